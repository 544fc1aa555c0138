import PixArtFormats

/// A field of a diffusers scheduler that can request something unsupported.
package enum UnsupportedSchedulerField: String, Sendable {
    case flowSigmas = "use_flow_sigmas"
    case dynamicShifting = "use_dynamic_shifting"
    /// For predictions with further channels, which the pipeline drops.
    case learnedVariance = "variance_type"

    func allows(_ value: JSONValue) -> Bool {
        switch self {
        case .flowSigmas, .dynamicShifting: value == .bool(false) || value == .null
        case .learnedVariance: value != .string("learned") && value != .string("learned_range")
        }
    }

    var expectation: String {
        switch self {
        case .flowSigmas, .dynamicShifting: "false"
        case .learnedVariance: "null or a fixed variance"
        }
    }
}
