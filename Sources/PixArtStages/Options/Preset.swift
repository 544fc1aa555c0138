import PixArtFormats
import PixArtStorage

/// Values for several options of a verb by one name. An option that the host gives keeps the host's value.
package enum Preset: String, CaseIterable, Sendable {
    case exact
    case balanced
    case fast

    /// A value that an option has if the host does not give it.
    struct Setting: Sendable {
        let option: Name
        let value: JSONValue
        /// An option that decides in its place, if the host gives it a value other than "auto".
        var yieldsTo: Name?

        init(_ option: Name, _ value: JSONValue, yieldsTo: Name? = nil) {
            self.option = option
            self.value = value
            self.yieldsTo = yieldsTo
        }
    }

    /// The groups of options that presets have values for.
    private enum Group {
        /// Those that a part is opened with.
        case precision
        /// Those of a run.
        case steps
    }

    /// The groups that the options of a verb belong to; nil for a verb without presets.
    private static func groups(of verb: String) -> [Group]? {
        switch verb {
        case EncoderOpenOptions.verb, DenoiserOpenOptions.verb: [.precision]
        case DenoiseOptions.verb, DenoiserMemoryOptions.verb: [.steps]
        case MemoryEstimateOptions.verb: [.precision, .steps]
        // All stages of an image take the same preset, whether or not it has a value for them.
        case EncodeOptions.verb, DecoderOpenOptions.verb, DecodeOptions.verb, ImageEncoderOpenOptions.verb,
            ImageEncodeOptions.verb:
            []
        default: nil
        }
    }

    private func settings(_ group: Group) -> [Setting] {
        switch (self, group) {
        case (.exact, .precision): [Setting("compute", .string("float32"))]
        // "compute" decides about weights and self-attention that are "auto".
        case (_, .precision): [Setting("compute", .string("int8"), yieldsTo: "weights")]
        case (.exact, .steps): [Setting("cache", .null)]
        case (.balanced, .steps): [Setting("cache", Self.cache(.half, minimumSteps: 15))]
        case (.fast, .steps): [Setting("cache", Self.cache(.third, minimumSteps: 10))]
        }
    }

    /// A cache for runs that are long enough to have results that hardly change.
    private static func cache(_ preset: CachePreset, minimumSteps: Int64) -> JSONValue {
        .object(["preset": .string(preset.rawValue), "minimum_steps": .integer(minimumSteps)])
    }

    /// The settings of a verb; nil if it has no presets.
    func settings(of verb: String) -> [Setting]? { Self.groups(of: verb)?.flatMap { settings($0) } }

    /// The values of options for a call in which the host gave these members.
    func defaults(of verb: String, given members: [Name: JSONValue]) -> [Name: JSONValue] {
        // An estimate has the options of all stages, and those of the VAE are computed in float32 only.
        let isOfVAE = ["decode", "image_encode"].contains(members["stage"]?.string)
        var defaults: [Name: JSONValue] = [:]
        for setting in settings(of: verb) ?? [] where !(isOfVAE && setting.option == "compute") {
            if let other = setting.yieldsTo, let given = members[other], given != .string("auto") { continue }
            defaults[setting.option] = setting.value
        }
        return defaults
    }

    /// The values by preset, as a schema shows them; nil for a verb without presets.
    static func table(of verb: String) -> JSONValue? {
        guard groups(of: verb) != nil else { return nil }
        var table: [Name: JSONValue] = [:]
        for preset in allCases { table[Name(preset.rawValue)] = .object(preset.defaults(of: verb, given: [:])) }
        return .object(table)
    }
}

extension Option where Value == Preset? {
    /// Of a verb that has presets.
    static func preset(_ verb: String) -> Self {
        let lists: [String] = Preset.allCases.compactMap { preset in
            let values = preset.defaults(of: verb, given: [:]).sorted { $0.key < $1.key }
                .map { "\"\($0.key)\": \($0.value.serialized())" }
            return values.isEmpty ? nil : "\"\(preset.rawValue)\" sets {\(values.joined(separator: ", "))}"
        }
        guard !lists.isEmpty else {
            return .optionalChoice(
                "preset", "Accepted so that all stages can take the same preset. It sets no option of this verb.")
        }
        return .optionalChoice(
            "preset",
            "Values for options that are not given: \(lists.joined(separator: ", ")). null sets nothing. An option that is "
                + "given keeps its value, and presets do not set \"compute\" to \"int8\" if \"weights\" is given. "
                + "docs/presets.md compares the presets.")
    }
}
