import PixArtStorage

/// The modules of a network that adapters may change, and how files call them.
package struct AdapterModules: Sendable {
    package let network: NetworkKind
    private let modules: Set<Name>
    /// By names in which dots are underscores.
    private let flattened: [Name: [String]]

    /// Those of a source with the names of diffusers and transformers: of all its weights but tables and norms.
    package init(_ names: [String], of network: NetworkKind) {
        self.network = network
        let modules = names.compactMap { $0.dropping(last: ".weight") }.filter { Self.isAdaptable($0, network) }
        let known = Set(modules.map { Name($0) })
        var flattened: [Name: [String]] = [:]
        for module in modules { flattened[Self.flat(module)] = [module] }
        if network == .transformer {
            for original in Self.originals(modules) {
                guard let targets = OriginalTransformerNames.modules(of: original),
                    targets.allSatisfy({ known.contains(Name($0)) })
                else { continue }
                flattened[Self.flat(original)] = targets
            }
        }
        self.modules = known
        self.flattened = flattened
    }

    package var count: Int { modules.count }

    private static func flat(_ module: String) -> String { String(module.map { $0 == "." ? "_" : $0 }) }

    private static func isAdaptable(_ module: String, _ network: NetworkKind) -> Bool {
        guard network == .textEncoder else { return true }
        let isLinear = module.contains(".SelfAttention.") || module.contains(".DenseReluDense.")
        return module.hasPrefix("encoder.block.") && isLinear && !module.hasSuffix(".relative_attention_bias")
    }

    /// The names that PixArt's repositories give modules that may be there.
    private static func originals(_ modules: [String]) -> [String] {
        let blocks = Set(modules.compactMap { numbered($0, after: "transformer_blocks.")?.number })
        return Array(OriginalTransformerNames.modules.keys)
            + blocks.flatMap { block in OriginalTransformerNames.blockModules.keys.map { "blocks.\(block).\($0)" } }
    }

    /// The modules whose outputs, one after the other, are those of the module that a file calls so; none if there is no
    /// such module.
    func targets(_ key: AdapterKey) -> [String] {
        if key.isFlat { return flattened[key.module] ?? [] }
        let old = key.module.split(separator: ".").filter { $0 != "processor" }.joined(separator: ".")
        for name in [key.module, old, "\(old).0"] where modules.contains(Name(name)) { return [name] }
        guard network == .transformer, let targets = OriginalTransformerNames.modules(of: key.module) else { return [] }
        return targets.allSatisfy { modules.contains(Name($0)) } ? targets : []
    }
}
