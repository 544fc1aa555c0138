import PixArtFormats

/// Where the weights of a network are while it is open.
package enum Residency: String, CaseIterable, Sendable {
    case resident
    /// Little more than one layer is in memory at a time.
    case streamed
}

extension Option where Value == Residency {
    static func residency(_ documentation: String) -> Self {
        .choice("residency", default: .resident, documentation)
    }
}
