import PixArtStorage

/// How the tensors of a network are called in a file.
package enum TensorNames: String, CaseIterable, Sendable {
    /// diffusers, and transformers for T5.
    case diffusers
    /// The repositories of PixArt-alpha and PixArt-Sigma.
    case original
    /// llama.cpp, for T5.
    case llama
    /// Latent diffusion (LDM), for the VAE.
    case ldm
    /// TAESD: numbers of layers.
    case taesd
    /// diffusers before 0.18, whose autoencoders call the projections of attention otherwise.
    case oldDiffusers = "old_diffusers"

    /// The names that diffusers or transformers give a network's tensor called `name`; none for one of another
    /// network, nil if it has no other.
    func canonical(_ name: String, of kind: NetworkKind) -> [(name: String, view: RenamedSource.View)]? {
        switch self {
        case .diffusers: nil
        case .original:
            kind == .controlNet ? OriginalControlNetNames.canonical(name) : OriginalTransformerNames.canonical(name)
        case .llama: LlamaNames.canonical(name)
        case .ldm: LatentDiffusionNames.canonical(name)
        case .taesd: nil
        case .oldDiffusers: OldAttentionNames.canonical(name)
        }
    }
}

/// A name in two: the module and its tensor, such as "weight".
func split(_ name: String) -> (module: String, leaf: String) {
    guard let dot = name.lastIndex(of: ".") else { return ("", name) }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
}

/// "blocks.12.rest" as 12 and "rest" if `name` starts with `prefix`.
func numbered(_ name: String, after prefix: String) -> (number: Int, rest: String)? {
    guard name.hasPrefix(prefix) else { return nil }
    let tail = name.dropFirst(prefix.count)
    guard let dot = tail.firstIndex(of: "."), let number = Int(tail[..<dot]), number >= 0 else { return nil }
    return (number, String(tail[tail.index(after: dot)...]))
}

/// The names of PixArt's own repositories. Queries, keys and values are fused: the rows of `qkv` are those of q, k and v,
/// and those of `kv_linear` k and v.
enum OriginalTransformerNames {
    static let modules = [
        "x_embedder.proj": "pos_embed.proj",
        "y_embedder.y_proj.fc1": "caption_projection.linear_1",
        "y_embedder.y_proj.fc2": "caption_projection.linear_2",
        "t_embedder.mlp.0": "adaln_single.emb.timestep_embedder.linear_1",
        "t_embedder.mlp.2": "adaln_single.emb.timestep_embedder.linear_2",
        "csize_embedder.mlp.0": "adaln_single.emb.resolution_embedder.linear_1",
        "csize_embedder.mlp.2": "adaln_single.emb.resolution_embedder.linear_2",
        "ar_embedder.mlp.0": "adaln_single.emb.aspect_ratio_embedder.linear_1",
        "ar_embedder.mlp.2": "adaln_single.emb.aspect_ratio_embedder.linear_2",
        "t_block.1": "adaln_single.linear",
        "final_layer.linear": "proj_out",
    ]
    private static let tensors = [
        "pos_embed": "pos_embed.pos_embed",
        "y_embedder.y_embedding": "caption_projection.y_embedding",
        "final_layer.scale_shift_table": "scale_shift_table",
    ]
    /// Within a block.
    static let blockModules: [String: [String]] = [
        "attn.qkv": ["attn1.to_q", "attn1.to_k", "attn1.to_v"],
        "attn.proj": ["attn1.to_out.0"],
        "attn.q_norm": ["attn1.q_norm"],
        "attn.k_norm": ["attn1.k_norm"],
        "cross_attn.q_linear": ["attn2.to_q"],
        "cross_attn.kv_linear": ["attn2.to_k", "attn2.to_v"],
        "cross_attn.proj": ["attn2.to_out.0"],
        "mlp.fc1": ["ff.net.0.proj"],
        "mlp.fc2": ["ff.net.2"],
    ]

    /// The modules of diffusers that a module's outputs belong to, in order.
    static func modules(of module: String) -> [String]? {
        if let name = modules[module] { return [name] }
        guard let (block, rest) = numbered(module, after: "blocks."), let names = blockModules[rest] else { return nil }
        return names.map { "transformer_blocks.\(block).\($0)" }
    }

    static func canonical(_ name: String) -> [(name: String, view: RenamedSource.View)]? {
        if let other = tensors[name] { return [(other, .init(name))] }
        if let (block, rest) = numbered(name, after: "blocks."), rest == "scale_shift_table" {
            return [("transformer_blocks.\(block).scale_shift_table", .init(name))]
        }
        let (module, leaf) = split(name)
        return modules(of: module).map { parts($0, leaf, of: name) }
    }

    /// The tensors of `modules`, which lie one after the other in the tensor called `name`.
    static func parts(_ modules: [String], _ leaf: String, of name: String) -> [(
        name: String, view: RenamedSource.View
    )] {
        modules.enumerated().map { index, module in
            ("\(module).\(leaf)", .init(name, part: modules.count == 1 ? nil : (index, modules.count)))
        }
    }
}

/// The names of PixArt-delta's ControlNet in PixArt's own repository: copies of blocks of the transformer, with
/// layers around them. The whole transformer may be beside it.
enum OriginalControlNetNames {
    static func canonical(_ name: String) -> [(name: String, view: RenamedSource.View)]? {
        guard name.hasPrefix("controlnet.") else { return [] }
        guard let (number, rest) = numbered(name, after: "controlnet.") else { return nil }
        let copy = "controlnet_blocks.\(number)"
        guard let inner = rest.dropping("copied_block.") else { return [("\(copy).\(rest)", .init(name))] }
        if inner == "scale_shift_table" { return [("\(copy).transformer_block.\(inner)", .init(name))] }
        let (module, leaf) = split(inner)
        return OriginalTransformerNames.blockModules[module].map { modules in
            OriginalTransformerNames.parts(modules.map { "\(copy).transformer_block.\($0)" }, leaf, of: name)
        }
    }
}

/// The names that llama.cpp gives T5's tensors. A whole T5 has a decoder, which is hidden.
enum LlamaNames {
    private static let modules = [
        "token_embd": "shared", "enc.output_norm": "encoder.final_layer_norm",
    ]
    private static let layerModules = [
        "attn_q": "layer.0.SelfAttention.q", "attn_k": "layer.0.SelfAttention.k", "attn_v": "layer.0.SelfAttention.v",
        "attn_o": "layer.0.SelfAttention.o", "attn_norm": "layer.0.layer_norm",
        "attn_rel_b": "layer.0.SelfAttention.relative_attention_bias",
        "ffn_gate": "layer.1.DenseReluDense.wi_0", "ffn_up": "layer.1.DenseReluDense.wi_1",
        "ffn_down": "layer.1.DenseReluDense.wo", "ffn_norm": "layer.1.layer_norm",
    ]

    static func canonical(_ name: String) -> [(name: String, view: RenamedSource.View)]? {
        if name.hasPrefix("dec.") { return [("decoder.\(name.dropFirst(4))", .init(name))] }
        let (module, leaf) = split(name)
        if module == "output" { return [("lm_head.\(leaf)", .init(name))] }
        if let other = modules[module] { return [("\(other).\(leaf)", .init(name))] }
        guard let (layer, rest) = numbered(module, after: "enc.blk."), let other = layerModules[rest] else {
            return nil
        }
        return [("encoder.block.\(layer).\(other).\(leaf)", .init(name))]
    }
}

/// The names of the original Stable Diffusion, whose decoder counts its levels from the coarsest one.
enum LatentDiffusionNames {
    /// Levels of the autoencoder of Stable Diffusion.
    private static let levels = 4

    static func canonical(_ name: String) -> [(name: String, view: RenamedSource.View)]? {
        for half in ["encoder", "decoder"] {
            guard name.hasPrefix("\(half).") else { continue }
            let rest = String(name.dropFirst(half.count + 1))
            if let tail = rest.dropping("norm_out.") { return [("\(half).conv_norm_out.\(tail)", .init(name))] }
            for (index, block) in ["mid.block_1.", "mid.block_2."].enumerated() {
                if let tail = rest.dropping(block) {
                    return [("\(half).mid_block.resnets.\(index).\(tail)", .init(name))]
                }
            }
            if let tail = rest.dropping("mid.attn_1.") {
                let (module, leaf) = split(tail)
                let modules = ["norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"]
                guard let other = modules[module] else { return nil }
                return [
                    (
                        "\(half).mid_block.attentions.0.\(other).\(leaf)",
                        .init(name, squeezed: module != "norm" && leaf == "weight")
                    )
                ]
            }
            let (side, sampler) = half == "encoder" ? ("down", "downsample") : ("up", "upsample")
            guard let (level, inner) = numbered(rest, after: "\(side)."), level < levels else { return nil }
            let block = "\(half).\(side)_blocks.\(half == "encoder" ? level : levels - 1 - level)"
            if let tail = inner.dropping("\(sampler).") { return [("\(block).\(sampler)rs.0.\(tail)", .init(name))] }
            guard let (index, tail) = numbered(inner, after: "block.") else { return nil }
            let part = tail.dropping("nin_shortcut.").map { "conv_shortcut.\($0)" } ?? tail
            return [("\(block).resnets.\(index).\(part)", .init(name))]
        }
        return nil
    }
}

/// The names that the attention of autoencoders had in older versions of diffusers.
enum OldAttentionNames {
    static func canonical(_ name: String) -> [(name: String, view: RenamedSource.View)]? {
        let (module, leaf) = split(name)
        for (old, new) in ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"] {
            if let attention = module.dropping(last: ".attentions.0.\(old)") {
                return [("\(attention).attentions.0.\(new).\(leaf)", .init(name))]
            }
        }
        return nil
    }
}

/// The names of TAESD: numbers of the layers of a sequence. The decoder's first layer has no weights and no number in
/// diffusers.
enum TinyNames {
    static func canonical(_ name: String, half: String) -> [(name: String, view: RenamedSource.View)]? {
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let layer = Int(parts[0]), layer >= 0 else { return nil }
        let number = half == "decoder" ? layer - 1 : layer
        return number < 0 ? nil : [("\(half).layers.\(number).\(parts[1])", .init(name))]
    }
}

extension String {
    /// What follows `prefix`; nil if the text does not start with it.
    package func dropping(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
