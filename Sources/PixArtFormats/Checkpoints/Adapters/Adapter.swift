import PixArtStorage

/// What a file of LoRA, LoHa or LoKr changes of a network.
package struct Adapter: Sendable {
    /// A tensor that changes nothing of the network, and why.
    package struct Ignored: Equatable, Sendable {
        package let name: String
        package let reason: String
    }

    /// Paths of the file and of its configuration, if it has one.
    package let paths: [String]
    /// Those of the tensors that change the network, or of all if none does.
    package let namings: [AdapterNaming]
    /// By the names of the weights that they change, which are those of diffusers and transformers.
    package let updates: [Name: WeightUpdate]
    package let ignored: [Ignored]
    private let network: NetworkKind

    /// Reads the adapter at `path`, which may be a file, a folder or an id in the Hub's cache, for the modules of a
    /// network. Fails with `.file`; with `.format` naming the tensor if tensors do not fit together; and with `.model` if
    /// the file holds no adapter, or one of a kind that is not read.
    package init(path: String, for modules: AdapterModules) throws(PixArtError) {
        let file = try AdapterFile(path: path)
        let (source, network) = (file.source, modules.network)
        let found = try Sorted(source, modules)
        guard !found.parts.isEmpty || !found.strangers.isEmpty else {
            throw .model("\(source.location): \(Self.description(of: source)); expected LoRA, LoHa or LoKr")
        }
        let metadata = source.metadata["lora_adapter_metadata"]
        let scales = AdapterScales(
            configuration: file.settings,
            metadata: try metadata.flatMap { text throws(PixArtError) in
                try AdapterSettings(metadata: text, of: network, path: source.location)
            })
        var updates: [Name: WeightUpdate] = [:]
        for part in found.parts {
            for (module, update) in try part.updates(source, scales) {
                guard updates.updateValue(update, forKey: Name("\(module).weight")) == nil else {
                    throw .format("\(source.location): module \"\(module)\" is changed under two names; expected one")
                }
            }
        }
        self.network = network
        self.updates = updates
        paths = source.paths + (file.settings.map { [$0.path] } ?? [])
        ignored = found.ignored
        let keys = found.parts.isEmpty ? found.strangers : found.parts.map(\.key)
        namings = AdapterNaming.allCases.filter { naming in keys.contains { $0.naming == naming } }
    }

    /// The tensors of a file by what they are to a network.
    private struct Sorted {
        private(set) var parts: [AdapterParts] = []
        private(set) var strangers: [AdapterKey] = []
        private(set) var ignored: [Ignored] = []

        init(_ source: any WeightSource, _ modules: AdapterModules) throws(PixArtError) {
            var parts: [Name: AdapterParts] = [:]
            for name in source.names.sorted() {
                if let kind = AdapterLeaf.refusal(name) {
                    throw .model(
                        "\(source.location): tensor \"\(name)\" is of \(kind), which is not supported; expected LoRA, "
                            + "LoHa or LoKr")
                }
                guard let key = AdapterKey(name) else {
                    ignored.append(Ignored(name: name, reason: Adapter.reason(ofOther: name)))
                    continue
                }
                let targets = key.network == modules.network ? modules.targets(key) : []
                guard !targets.isEmpty else {
                    strangers.append(key)
                    ignored.append(Ignored(name: name, reason: Adapter.reason(key, modules.network)))
                    continue
                }
                let module = Name("\(key.naming.rawValue) \(key.module)")
                var part = parts[module] ?? AdapterParts(key, targets)
                try part.add(name, key.leaf, source.location)
                parts[module] = part
            }
            self.parts = parts.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// The failure to report if nothing of the network is changed.
    package var mismatch: PixArtError {
        let names = namings.map(\.description).joined(separator: " and ")
        let example = ignored.first.map { ", such as \"\($0.name)\" (\($0.reason))" } ?? ""
        return .model(
            "\(paths[0]): changes no module of \(network == .textEncoder ? "the T5 encoder" : "the PixArt transformer"); "
                + "its \(ignored.count) tensors are named as by \(names)\(example)")
    }

    private static func reason(_ key: AdapterKey, _ network: NetworkKind) -> String {
        if key.network != network {
            return key.network == .textEncoder ? "changes the text encoder" : "changes the transformer"
        }
        let models = [
            ("double_blocks", "Flux"), ("single_transformer_blocks", "Flux"), ("joint_blocks", "Stable Diffusion 3"),
            ("down_blocks", "a U-Net"), ("input_blocks", "a U-Net"), ("mid_block", "a U-Net"),
            ("text_model", "CLIP"), ("model_layers", "a language model"), ("model.layers", "a language model"),
        ]
        for (mark, model) in models where key.module.contains(mark) { return "changes a module of \(model)" }
        return "changes a module that the network does not have"
    }

    /// What a source that is no adapter holds.
    private static func description(of source: any WeightSource) -> String {
        let network = (try? CanonicalWeights(source)).flatMap { $0?.kind }
        return network.map { "holds a whole network (\($0.rawValue))" } ?? ForeignModel.found(in: source)
    }

    private static func reason(ofOther name: String) -> String {
        name.hasPrefix("bundle_emb.")
            ? "embedding of a trained word, which is not supported" : "is no part of an adapter that is known"
    }
}

/// Where the scales of an adapter come from.
struct AdapterScales {
    /// PEFT's `adapter_config.json`.
    let configuration: AdapterSettings?
    /// What diffusers stores in the file.
    let metadata: AdapterSettings?

    /// The settings that tensors of a naming go by, if there are some.
    func settings(_ naming: AdapterNaming) -> AdapterSettings? {
        switch naming {
        case .peft, .peftScript: configuration
        case .diffusers, .plain: metadata
        default: nil
        }
    }
}
