import PixArtFormats
import PixArtNetworks
import PixArtStorage

// The configurations of the networks, from the files that diffusers and transformers write. Defaults are those of their
// classes. Keys with a single supported value are checked, so that a network is never computed in another way.

extension T5Encoder.Configuration {
    /// From `text_encoder/config.json`, a transformers `T5Config`.
    init(_ file: ConfigurationFile) throws(PixArtError) {
        try file.requireKnownQuantization()
        try file.require("model_type", .string("t5"))
        try file.require("feed_forward_proj", .string("gated-gelu"))
        if file.isAbsent("feed_forward_proj") {
            throw file.unsupported("feed_forward_proj", found: "missing", ["\"gated-gelu\""])
        }
        self.init(
            vocabulary: try file.integer("vocab_size", in: 1...1 << 24),
            width: try file.integer("d_model", in: 1...1 << 16),
            feedForwardWidth: try file.integer("d_ff", in: 1...1 << 18),
            layers: try file.integer("num_layers", in: 1...1024),
            heads: try file.integer("num_heads", in: 1...1024),
            headWidth: try file.integer("d_kv", in: 1...4096),
            positionBuckets: try file.integer("relative_attention_num_buckets", in: 4...4096, default: 32),
            maximumDistance: try file.integer("relative_attention_max_distance", in: 2...1 << 20, default: 128),
            epsilon: Float(try file.number("layer_norm_epsilon", in: 0...1, default: 1e-6)))
        guard maximumDistance > positionBuckets / 4 else {
            throw .model(
                "\(file.path): \"relative_attention_max_distance\" is \(maximumDistance), expected more than a quarter of "
                    + "relative_attention_num_buckets \(positionBuckets)")
        }
    }
}

extension PixArtTransformer.Configuration {
    /// From `transformer/config.json`, of diffusers' `PixArtTransformer2DModel` or `Transformer2DModel`.
    init(_ file: ConfigurationFile) throws(PixArtError) {
        try file.requireKnownQuantization()
        let name = try file.string("_class_name", default: "PixArtTransformer2DModel")
        // The last has a ControlNet beside the transformer, whose fields these are.
        let known = ["PixArtTransformer2DModel", "Transformer2DModel", ControlNetDescription.whole]
        guard known.contains(name) else {
            throw file.unsupported("_class_name", found: "\"\(name)\"", known.map { "\"\($0)\"" })
        }
        try file.require("norm_type", .string("ada_norm_single"))
        try file.require("activation_fn", .string("gelu-approximate"))
        try file.require("norm_elementwise_affine", .bool(false))
        try file.require("attention_type", .string("default"))
        for key in ["upcast_attention", "double_self_attention", "only_cross_attention"] {
            try file.require(key, .bool(false))
        }
        let sampleSize = try file.integer("sample_size", in: 1...4096, default: 128)
        let inChannels = try file.integer("in_channels", in: 1...1024, default: 4)
        let conditions = try file.boolean("use_additional_conditions", default: sampleSize == 128)
        self.init(
            heads: try file.integer("num_attention_heads", in: 1...1024, default: 16),
            headWidth: try file.integer("attention_head_dim", in: 1...4096, default: 72),
            layers: try file.integer("num_layers", in: 1...1024, default: 28),
            inChannels: inChannels,
            outChannels: try file.integer("out_channels", in: 1...2048, default: inChannels),
            patchSize: try file.integer("patch_size", in: 1...64, default: 2),
            captionChannels: try file.integer("caption_channels", in: 1...1 << 16),
            sampleSize: sampleSize,
            interpolationScale: try file.number(
                "interpolation_scale", in: 1e-3...1e3, default: Double(max(sampleSize / 64, 1))),
            sizeConditions: conditions,
            attentionBias: try file.boolean("attention_bias", default: true),
            epsilon: Float(try file.number("norm_eps", in: 0...1, default: 1e-6)))
        try file.require("cross_attention_dim", .integer(Int64(width)))
        guard width % 4 == 0, !conditions || width % 3 == 0 else {
            throw .model(
                "\(file.path): \"num_attention_heads\" times \"attention_head_dim\" is \(width), expected a multiple "
                    + "of \(conditions ? 12 : 4)")
        }
        guard sampleSize % patchSize == 0 else {
            throw .model(
                "\(file.path): \"sample_size\" is \(sampleSize), expected a multiple of patch_size \(patchSize)")
        }
        guard outChannels == inChannels || outChannels == 2 * inChannels else {
            throw file.unsupported("out_channels", found: "\(outChannels)", ["\(inChannels)", "\(2 * inChannels)"])
        }
    }
}

extension VAEConfiguration {
    /// From `vae/config.json`, of diffusers' `AutoencoderKL`.
    init(_ file: ConfigurationFile, for half: Autoencoder.Half) throws(PixArtError) {
        try file.require("act_fn", .string("silu"))
        let channels = try file.integers("block_out_channels", in: 1...1 << 14, count: 1...8)
        let types = half == .decoder ? "up_block_types" : "down_block_types"
        let type = half == .decoder ? "UpDecoderBlock2D" : "DownEncoderBlock2D"
        try file.require(types, .array([JSONValue](repeating: .string(type), count: channels.count)))
        let groups = try file.integer("norm_num_groups", in: 1...1024, default: 32)
        guard channels.allSatisfy({ $0 % groups == 0 }) else {
            throw .model(
                "\(file.path): \"block_out_channels\" is \(channels), expected multiples of norm_num_groups \(groups)")
        }
        self.init(
            latentChannels: try file.integer("latent_channels", in: 1...1024, default: 4),
            blockChannels: channels,
            layersPerBlock: try file.integer("layers_per_block", in: 1...64, default: 1),
            groups: groups,
            middleAttention: try file.boolean("mid_block_add_attention", default: true),
            quantConvolution: try file.boolean("use_quant_conv", default: true),
            postQuantConvolution: try file.boolean("use_post_quant_conv", default: true))
    }
}

extension TinyConfiguration {
    /// From `vae/config.json`, of diffusers' `AutoencoderTiny`.
    init(_ file: ConfigurationFile, for half: Autoencoder.Half) throws(PixArtError) {
        try file.require("act_fn", .string("relu"))
        if half == .decoder {
            try file.require("upsample_fn", .string("nearest"))
            try file.require("upsampling_scaling_factor", .integer(2))
        }
        let (blocks, widths) = ("num_\(half)_blocks", "\(half)_block_out_channels")
        let counts = try file.integers(
            blocks, in: 0...64, count: 1...8, default: half == .decoder ? [3, 3, 3, 1] : [1, 3, 3, 3])
        let channels = try file.integers(widths, in: 1...1 << 14, count: 1...8, default: [64, 64, 64, 64])
        guard channels.count == counts.count, Set(channels).count == 1 else {
            throw .model(
                "\(file.path): \"\(widths)\" is \(channels), expected one number for each of \(blocks), all equal")
        }
        self.init(
            latentChannels: try file.integer("latent_channels", in: 1...1024, default: 4), channels: channels[0],
            blocks: counts)
    }
}
