import PixArtStorage

/// How the tensors of an adapter file are called, which also says how differences are scaled.
package enum AdapterNaming: String, CaseIterable, Sendable {
    case peft
    /// The second copy that PixArt's training scripts save.
    case peftScript = "peft_script"
    case diffusers
    case oneTrainer = "onetrainer"
    case kohya
    case lycoris
    case comfyUI = "comfyui"
    /// Names of modules without a prefix, of diffusers or of PixArt's repositories.
    case plain

    /// For messages.
    package var description: String {
        switch self {
        case .peft: "PEFT"
        case .peftScript: "PixArt's training scripts"
        case .diffusers: "diffusers"
        case .oneTrainer: "OneTrainer"
        case .kohya: "kohya"
        case .lycoris: "LyCORIS"
        case .comfyUI: "ComfyUI"
        case .plain: "modules without a prefix"
        }
    }

    /// Whether the scale comes from PEFT's configuration, which has defaults.
    var isPEFT: Bool { self == .peft || self == .peftScript }

    /// What names begin with.
    struct Prefix: Sendable {
        let text: String
        let naming: AdapterNaming
        /// Whether the dots of the module's name are underscores.
        let isFlat: Bool
        /// The network that the prefix stands for, if it is one.
        let network: NetworkKind?

        init(_ text: String, _ naming: AdapterNaming, flat: Bool = false, _ network: NetworkKind? = nil) {
            self.text = text
            self.naming = naming
            isFlat = flat
            self.network = network
        }
    }

    /// Those that begin with another come first.
    static let prefixes: [Prefix] = [
        Prefix("unet.base_model.model.", .peftScript), Prefix("base_model.model.", .peft),
        Prefix("model.diffusion_model.", .comfyUI, .transformer), Prefix("diffusion_model.", .comfyUI, .transformer),
        Prefix("text_encoders.t5xxl.transformer.", .comfyUI, .textEncoder),
        Prefix("t5xxl.transformer.", .comfyUI, .textEncoder),
        Prefix("transformer.", .diffusers, .transformer), Prefix("text_encoder.", .diffusers, .textEncoder),
        Prefix("unet.", .diffusers, .transformer),
        Prefix("lora_transformer_", .oneTrainer, flat: true, .transformer),
        Prefix("lora_te_", .oneTrainer, flat: true, .textEncoder),
        Prefix("lora_te1_", .kohya, flat: true, .textEncoder), Prefix("lora_te2_", .kohya, flat: true, .textEncoder),
        Prefix("lora_te3_", .kohya, flat: true, .textEncoder), Prefix("lora_t5xxl_", .kohya, flat: true, .textEncoder),
        Prefix("lora_unet_", .kohya, flat: true, .transformer), Prefix("lycoris_", .lycoris, flat: true),
        Prefix("", .plain),
    ]

    /// What the network is called under the key `lora_adapter_metadata`, which diffusers writes.
    static func component(_ network: NetworkKind) -> String {
        network == .textEncoder ? "text_encoder" : "transformer"
    }
}

/// The name of a tensor of an adapter, taken apart.
struct AdapterKey {
    let naming: AdapterNaming
    /// The module's name, in dots or underscores.
    let module: String
    let isFlat: Bool
    /// The network that the module belongs to, as far as the name tells.
    let network: NetworkKind
    let leaf: AdapterLeaf

    /// nil if the name is not that of a part of an update.
    init?(_ name: String) {
        guard let (path, leaf) = AdapterLeaf.split(name),
            let prefix = AdapterNaming.prefixes.first(where: { path.hasPrefix($0.text) })
        else { return nil }
        naming = prefix.naming
        module = String(path.dropFirst(prefix.text.count))
        isFlat = prefix.isFlat
        self.leaf = leaf
        let isText = module.hasPrefix(prefix.isFlat ? "encoder_block_" : "encoder.block.")
        network = prefix.network ?? (isText ? .textEncoder : .transformer)
    }
}

/// What a tensor is to the update of a module.
enum AdapterLeaf: String, CaseIterable {
    case down, up, alpha, scalar
    case magnitude
    case doraScale
    case hadaW1A = "hada_w1_a"
    case hadaW1B = "hada_w1_b"
    case hadaW2A = "hada_w2_a"
    case hadaW2B = "hada_w2_b"
    case lokrW1 = "lokr_w1"
    case lokrW1A = "lokr_w1_a"
    case lokrW1B = "lokr_w1_b"
    case lokrW2 = "lokr_w2"
    case lokrW2A = "lokr_w2_a"
    case lokrW2B = "lokr_w2_b"

    /// Endings of names, longest first where one ends with another.
    private static let endings: [(text: String, leaf: AdapterLeaf)] =
        [
            (".lora_A.weight", .down), (".lora_B.weight", .up), (".lora_down.weight", .down), (".lora_up.weight", .up),
            ("_lora.down.weight", .down), ("_lora.up.weight", .up), (".lora.down.weight", .down),
            (".lora.up.weight", .up), (".lora_A", .down), (".lora_B", .up), (".alpha", .alpha), (".scalar", .scalar),
            (".lora_magnitude_vector.weight", .magnitude), (".lora_magnitude_vector", .magnitude),
            (".dora_scale", .doraScale),
        ]
        + [
            hadaW1A, hadaW1B, hadaW2A, hadaW2B, lokrW1, lokrW1A, lokrW1B, lokrW2, lokrW2A, lokrW2B,
        ].map { (".\($0.rawValue)", $0) }

    static func split(_ name: String) -> (module: String, leaf: AdapterLeaf)? {
        let name = withoutAdapter(name)
        for (text, leaf) in endings {
            if let module = name.dropping(last: text) { return (module, leaf) }
        }
        return nil
    }

    /// In memory, PEFT puts the name of the adapter into keys, and some files have it.
    private static func withoutAdapter(_ name: String) -> String {
        name.split(separator: ".", omittingEmptySubsequences: false).filter { $0 != "default" }.joined(separator: ".")
    }

    /// What a tensor is if it belongs to an adapter of a kind that is not read; nil for others.
    static func refusal(_ name: String) -> String? {
        let name = withoutAdapter(name)
        let parts = name.split(separator: ".").map { String($0) }
        let isPEFT = AdapterNaming.prefixes.first { name.hasPrefix($0.text) }?.naming.isPEFT ?? false
        for (test, what) in refused where parts.dropFirst().contains(where: test) { return what }
        if name.hasSuffix(".lora_A.bias") || name.hasSuffix(".lora_B.bias") || name.hasSuffix(".lora_up.bias") {
            return "a bias of LoRA (\"lora_bias\")"
        }
        if isPEFT, name.hasSuffix(".bias") { return "a trained bias (\"bias\" of PEFT)" }
        if isPEFT, parts.last == "weight", split(name) == nil {
            return "a whole trained module (\"modules_to_save\" of PEFT)"
        }
        return nil
    }

    private static let refused: [(test: @Sendable (String) -> Bool, what: String)] = [
        ({ $0.hasPrefix("oft_") }, "OFT"), ({ $0.hasPrefix("boft") }, "BOFT"),
        ({ $0 == "on_input" || $0 == "ia3_l" }, "IA3"), ({ $0 == "diff" }, "a full difference (\"diff\")"),
        ({ $0 == "diff_b" }, "a full difference of a bias (\"diff_b\")"),
        ({ $0 == "w_norm" || $0 == "b_norm" }, "a trained norm"), ({ $0 == "lora_mid" }, "LoCon of Tucker's form"),
        ({ $0 == "hada_t1" || $0 == "hada_t2" }, "LoHa of Tucker's form"),
        ({ $0 == "lokr_t1" || $0 == "lokr_t2" }, "LoKr of Tucker's form"),
        ({ $0.hasPrefix("lora_embedding_") }, "LoRA of an embedding"), ({ $0.hasPrefix("vera_lambda") }, "VeRA"),
        ({ ["a1", "a2", "b1", "b2"].contains($0) }, "GLoRA"), ({ $0 == "lora_bias" }, "a bias of LoRA"),
        ({ $0 == "lora_E" || $0 == "ranknum" }, "AdaLoRA"), ({ $0 == "reshape_weight" }, "a weight of another shape"),
    ]
}
