import PixArtStorage

/// What a configuration of PEFT says of how an adapter's differences are scaled.
struct AdapterSettings: Sendable {
    /// The path of the file that says so, for messages and reports.
    let path: String
    private let alpha: Double
    private let rank: Int
    private let isRankStabilized: Bool
    private let alphas: [(pattern: String, value: Double)]
    private let ranks: [(pattern: String, value: Double)]
    /// Whether each update has magnitudes.
    let isDecomposed: Bool

    /// PEFT's default for both.
    static let standard = 8

    /// PEFT's `adapter_config.json`.
    init(path: String) throws(PixArtError) {
        let file = try ConfigurationFile(path: path)
        let type = try file.string("peft_type", default: "LORA")
        guard ["LORA", "LOHA", "LOKR"].contains(type) else {
            throw file.unsupported("peft_type", found: "\"\(type)\"", ["\"LORA\"", "\"LOHA\"", "\"LOKR\""])
        }
        try self.init(file, prefix: "", alphaKey: type == "LORA" ? "lora_alpha" : "alpha")
    }

    /// The text that diffusers stores under `lora_adapter_metadata`; nil if it says nothing of the network.
    init?(metadata text: String, of network: NetworkKind, path: String) throws(PixArtError) {
        let root = try JSONValue(parsing: text, source: "lora_adapter_metadata of \(path)")
        let prefix = "\(AdapterNaming.component(network))."
        guard let members = root.object, members.keys.contains(where: { $0.text.hasPrefix(prefix) }) else { return nil }
        try self.init(ConfigurationFile(path: path, members), prefix: prefix, alphaKey: "lora_alpha")
    }

    private init(_ file: ConfigurationFile, prefix: String, alphaKey: String) throws(PixArtError) {
        path = file.path
        let standard = Self.standard
        rank = try file.integer("\(prefix)r", in: 1...1 << 20, default: standard)
        alpha = try file.number("\(prefix)\(alphaKey)", in: -1e9...1e9, default: Double(standard))
        isRankStabilized = try file.boolean("\(prefix)use_rslora", default: false)
        isDecomposed = try file.boolean("\(prefix)use_dora", default: false)
        alphas = try Self.patterns(file, "\(prefix)alpha_pattern")
        ranks = try Self.patterns(file, "\(prefix)rank_pattern")
        for key in ["lora_bias", "use_qalora"] { try file.require("\(prefix)\(key)", .bool(false)) }
        try file.require("\(prefix)bias", .string("none"))
        // These change the base weights when training starts.
        if let start = file["\(prefix)init_lora_weights"]?.string?.lowercased(),
            ["pissa", "olora", "corda", "loftq"].contains(where: { start.hasPrefix($0) })
        {
            throw file.unsupported("\(prefix)init_lora_weights", found: "\"\(start)\"", ["true", "\"gaussian\""])
        }
    }

    private static func patterns(
        _ file: ConfigurationFile, _ key: String
    ) throws(PixArtError) -> [(pattern: String, value: Double)] {
        guard let value = file[key], value != .null else { return [] }
        guard let members = value.object else {
            throw .model("\(file.path): \"\(key)\" is \(value.kind), expected an object")
        }
        var patterns: [(pattern: String, value: Double)] = []
        for (name, value) in members {
            guard let number = value.number, number.isFinite, abs(number) <= 1e9 else {
                throw .model("\(file.path): \"\(key)\" has \(value.serialized()) for \"\(name)\", expected a number")
            }
            // PEFT takes these for regular expressions; names of modules are ones that match themselves.
            guard !name.text.contains(where: { "*+?()[]{}|\\".contains($0) }) else {
                throw .model(
                    "\(file.path): \"\(key)\" has the pattern \"\(name)\"; expected the name of a module or its end")
            }
            patterns.append((name.text, number))
        }
        // The most particular one first.
        return patterns.sorted { ($0.pattern.utf8.count, $1.pattern) > ($1.pattern.utf8.count, $0.pattern) }
    }

    private static func value(of patterns: [(pattern: String, value: Double)], for module: String) -> Double? {
        patterns.first { pattern, _ in
            let text = pattern.dropping(last: "$") ?? pattern
            if let whole = text.dropping("^") { return module == whole }
            return module == text || module.hasSuffix(".\(text)")
        }?.value
    }

    /// The scale of a module's difference. `rank` is that of its factors; nil if it has none.
    func scale(of module: String, rank own: Int?) -> Double {
        let alpha = Self.value(of: alphas, for: module) ?? self.alpha
        let rank = own.map { Double($0) } ?? max(Self.value(of: ranks, for: module) ?? Double(self.rank), 1)
        return alpha / (isRankStabilized ? rank.squareRoot() : rank)
    }
}
