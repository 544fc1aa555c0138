import PixArtFormats
import PixArtStorage

/// The fields of `config.json` of a part that has no such file, from the names and shapes of its tensors.
///
/// What the tensors do not say is assumed to be as in the published models, and listed.
struct DerivedConfiguration {
    private(set) var file: ConfigurationFile
    /// Fields that the tensors do not tell.
    private(set) var assumed: [String] = []

    private let weights: any WeightSource
    private var fields: [Name: JSONValue] = [:]

    /// Of weights under the names of diffusers and transformers. `raw` is the file that they are from. Fails with `.model`
    /// naming a tensor that is missing.
    init(_ part: Part, _ canonical: CanonicalWeights, _ raw: (any WeightSource)?) throws(PixArtError) {
        weights = canonical.source
        file = ConfigurationFile(path: weights.location, [:])
        switch canonical.kind {
        case .textEncoder: try textEncoder((raw as? GGUFFile)?.values)
        case .transformer: try transformer()
        case .autoencoder: try autoencoder()
        case .tinyAutoencoder: try tinyAutoencoder()
        case .controlNet:
            fields["_class_name"] = .string(ControlNetDescription.adapter)
            set("num_layers", ControlNetDescription.copies(in: weights))
        }
        file = ConfigurationFile(path: weights.location, fields)
    }

    private mutating func set(_ key: String, _ value: Int) { fields[key] = .integer(Int64(value)) }

    private mutating func assume(_ key: String, _ value: JSONValue) {
        fields[key] = value
        assumed.append(key)
    }

    /// The shape of a tensor that the network has. Fails with `.model` if it is missing or has other dimensions.
    private func shape(_ name: String, _ dimensions: Int) throws(PixArtError) -> [Int] {
        guard let shape = weights.shape(of: name) else {
            let known = ForeignModel.known(in: weights).map { "; the file \($0)" } ?? ""
            throw .model("\(weights.location): tensor \"\(name)\" is missing; expected one of that name\(known)")
        }
        // Shapes of tensors whose type is not read are those that the file states.
        guard shape.count == dimensions, shape.allSatisfy({ 1...1 << 30 ~= $0 }) else {
            throw .model(
                "\(weights.location): tensor \"\(name)\" has shape \(shape); expected \(dimensions) dimensions of 1 to "
                    + "\(1 << 30)")
        }
        return shape
    }

    private func has(_ name: String) -> Bool { weights.shape(of: name) != nil }

    /// How many numbers from 0 on make `name` that of a tensor.
    private func count(_ name: (Int) -> String) -> Int {
        var count = 0
        while has(name(count)) { count += 1 }
        return count
    }

    // MARK: T5

    private mutating func textEncoder(_ values: GGUFValues?) throws(PixArtError) {
        let table = try shape(has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight", 2)
        let attention = "encoder.block.0.layer.0.SelfAttention"
        let bias = try shape("\(attention).relative_attention_bias.weight", 2)
        let heads = bias[1]
        let architecture = values?.string("general.architecture") ?? "t5encoder"
        fields["model_type"] = .string("t5")
        fields["feed_forward_proj"] = .string("gated-gelu")
        set("vocab_size", table[0])
        set("d_model", table[1])
        set("d_ff", try shape("encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 2)[0])
        _ = try shape("\(attention).q.weight", 2)
        set("num_layers", count { "encoder.block.\($0).layer.0.SelfAttention.q.weight" })
        set("num_heads", heads)
        set("d_kv", try shape("\(attention).q.weight", 2)[0] / heads)
        set("relative_attention_num_buckets", bias[0])
        assume("relative_attention_max_distance", .integer(128))
        if let epsilon = values?.number("\(architecture).attention.layer_norm_rms_epsilon") {
            // A float32 of the file.
            fields["layer_norm_epsilon"] = .number(epsilon)
        } else {
            assume("layer_norm_epsilon", .number(1e-6))
        }
    }

    // MARK: Transformer

    /// The width of a head in all published models.
    private static let headWidth = 72

    private mutating func transformer() throws(PixArtError) {
        let patches = try shape("pos_embed.proj.weight", 4)
        let (width, channels, patch) = (patches[0], patches[1], patches[2])
        fields["_class_name"] = .string("PixArtTransformer2DModel")
        _ = try shape("transformer_blocks.0.attn1.to_q.weight", 2)
        set("num_layers", count { "transformer_blocks.\($0).attn1.to_q.weight" })
        let head = width % Self.headWidth == 0 ? Self.headWidth : width / 16
        assume("attention_head_dim", .integer(Int64(max(head, 1))))
        assume("num_attention_heads", .integer(Int64(width / max(head, 1))))
        set("cross_attention_dim", width)
        set("in_channels", channels)
        set("patch_size", patch)
        set("out_channels", try shape("proj_out.weight", 2)[0] / (patch * patch))
        set("caption_channels", try shape("caption_projection.linear_1.weight", 2)[1])
        let conditions = has("adaln_single.emb.resolution_embedder.linear_1.weight")
        fields["use_additional_conditions"] = .bool(conditions)
        let positions = weights.shape(of: "pos_embed.pos_embed").flatMap { $0.count == 3 ? $0[1] : nil }
        let side = positions.map { Int(Double($0).squareRoot().rounded()) * patch }
        let isSigma = weights.shape(of: "caption_projection.y_embedding")?.first == Pipeline.sigma.maximumTokens
        let size = conditions ? 128 : side ?? (isSigma ? 128 : 64)
        // A table of positions may be that of another size.
        assume("sample_size", .integer(Int64(size)))
        assume("interpolation_scale", .number(Double(size) / 64))
        fields["attention_bias"] = .bool(has("transformer_blocks.0.attn1.to_q.bias"))
    }

    // MARK: Autoencoders

    private mutating func autoencoder() throws(PixArtError) {
        let hasEncoder = has("encoder.conv_in.weight")
        fields["_class_name"] = .string("AutoencoderKL")
        var channels: [Int] = []
        if hasEncoder {
            for level in 0..<count({ "encoder.down_blocks.\($0).resnets.0.conv1.weight" }) {
                channels.append(try shape("encoder.down_blocks.\(level).resnets.0.conv1.weight", 4)[0])
            }
            set("layers_per_block", count { "encoder.down_blocks.0.resnets.\($0).conv1.weight" })
            set("latent_channels", try shape("encoder.conv_out.weight", 4)[0] / 2)
        } else {
            for level in 0..<count({ "decoder.up_blocks.\($0).resnets.0.conv1.weight" }) {
                channels.insert(try shape("decoder.up_blocks.\(level).resnets.0.conv1.weight", 4)[0], at: 0)
            }
            set("layers_per_block", count { "decoder.up_blocks.0.resnets.\($0).conv1.weight" } - 1)
            set("latent_channels", try shape("decoder.conv_in.weight", 4)[1])
        }
        // The networks are alike, but what the latents are shifted by is not in the file.
        if fields["latent_channels"] == .integer(16), !has("quant_conv.weight"), !has("post_quant_conv.weight") {
            throw .model(
                "\(weights.location): holds the VAE of Stable Diffusion 3 or Flux, with 16 latent channels; expected that of "
                    + "a PixArt pipeline")
        }
        fields["block_out_channels"] = .array(channels.map { .integer(Int64($0)) })
        fields["down_block_types"] = .array(channels.map { _ in .string("DownEncoderBlock2D") })
        fields["up_block_types"] = .array(channels.map { _ in .string("UpDecoderBlock2D") })
        fields["use_quant_conv"] = .bool(has("quant_conv.weight"))
        fields["use_post_quant_conv"] = .bool(has("post_quant_conv.weight"))
        fields["mid_block_add_attention"] = .bool(
            ["decoder", "encoder"].contains { has("\($0).mid_block.attentions.0.group_norm.weight") })
        // As many groups as divide the channels of all levels, and no more than published.
        var groups = 32
        while groups > 1, !channels.allSatisfy({ $0 % groups == 0 }) { groups /= 2 }
        assume("norm_num_groups", .integer(Int64(groups)))
        assume("scaling_factor", .number(0.18215))
    }

    private static let mostTinyLayers = 1024

    private mutating func tinyAutoencoder() throws(PixArtError) {
        fields["_class_name"] = .string("AutoencoderTiny")
        for half in ["encoder", "decoder"] {
            // A block has three convolutions; a single one begins each level.
            let numbers = weights.names.compactMap { name -> Int? in
                guard name.hasPrefix("\(half).layers.") else { return nil }
                return name.dropFirst("\(half).layers.".count).split(separator: ".").first.flatMap { Int($0) }
            }
            guard let last = numbers.max() else { continue }
            guard last <= Self.mostTinyLayers else {
                throw .model(
                    "\(weights.location): a tensor of layer \(last) of the \(half); expected at most \(Self.mostTinyLayers)"
                )
            }
            // The last convolution makes the output.
            var blocks: [Int] = []
            for layer in 1..<max(last, 1) {
                if has("\(half).layers.\(layer).conv.0.weight") {
                    if blocks.isEmpty { blocks.append(0) }
                    blocks[blocks.count - 1] += 1
                } else if has("\(half).layers.\(layer).weight") {
                    blocks.append(0)
                }
            }
            let channels = try shape("\(half).layers.0.weight", 4)[0]
            fields["num_\(half)_blocks"] = .array(blocks.map { .integer(Int64($0)) })
            fields["\(half)_block_out_channels"] = .array(blocks.map { _ in .integer(Int64(channels)) })
            if half == "decoder" { set("latent_channels", try shape("decoder.layers.0.weight", 4)[1]) }
            if half == "encoder" { set("latent_channels", try shape("encoder.layers.\(last).weight", 4)[0]) }
        }
        fields["scaling_factor"] = .number(1)
    }
}
