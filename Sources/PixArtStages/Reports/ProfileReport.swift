import PixArtCompute
import PixArtFormats
import PixArtStorage

extension Profile {
    /// The report as hosts get it.
    package var json: JSONValue {
        var kinds: [Name: JSONValue] = [:]
        for (kind, entry) in entries {
            kinds[kind.rawValue] = .object(["seconds": .number(entry.seconds), "operations": .number(entry.work)])
        }
        return .object(kinds)
    }
}
