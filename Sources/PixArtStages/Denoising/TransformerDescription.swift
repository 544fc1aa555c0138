import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The transformer of the part `transformer`.
package struct TransformerDescription: NetworkDescription {
    let configuration: PixArtTransformer.Configuration
    let controlNet: ControlNetDescription?
    /// As requested; nil for that of matrix multiplications.
    private let attention: AttentionPrecision?
    private let pipeline: Pipeline

    package init(_ checkpoint: Checkpoint) throws(PixArtError) { try self.init(checkpoint, .plain) }

    init(_ checkpoint: Checkpoint, _ options: TransformerOptions) throws(PixArtError) {
        configuration = try PixArtTransformer.Configuration(checkpoint.configuration(.transformer))
        attention = options.attention
        controlNet =
            if let controlNet = options.controlNet {
                try ControlNetDescription(Checkpoint(model: controlNet, .plain), for: configuration)
            } else { nil }
        pipeline = checkpoint.pipeline
    }

    package func network(_ reader: WeightReader, compute: ComputePrecision, streamed: Bool) throws(PixArtError)
        -> PixArtTransformer
    {
        try requireAttention(allowedFor: compute)
        let further = try controlNet?.reader(accompanying: reader, compute: compute)
        if let further { reader.add(companion: further) }
        let transformer = try PixArtTransformer(
            configuration, compute: compute, attention: attention, streamed: streamed, reader)
        guard let controlNet, let further else { return transformer }
        return transformer.with(try controlNet.network(for: configuration, further))
    }

    /// Fails with `.option` if self-attention was requested in a precision that it cannot have.
    private func requireAttention(allowedFor compute: ComputePrecision) throws(PixArtError) {
        if attention == .bfloat16, compute == .float32 {
            throw .option(
                "option \"attention\" is \"bfloat16\", expected \"auto\" or \"int8\" with compute \"float32\"")
        }
        if attention == .int8, !Attention.takesInt8(headWidth: configuration.headWidth) {
            throw .option(
                "option \"attention\" is \"int8\", expected \"auto\" or \"bfloat16\" for attention_head_dim "
                    + "\(configuration.headWidth); int8 takes at most \(Attention.widestInt8Head)")
        }
    }

    package var architecture: [Name: JSONValue] {
        var facts = transformerFacts
        if let controlNet { facts["controlnet_num_layers"] = .integer(Int64(controlNet.copies)) }
        return facts
    }

    private var transformerFacts: [Name: JSONValue] {
        [
            "num_layers": .integer(Int64(configuration.layers)),
            "num_attention_heads": .integer(Int64(configuration.heads)),
            "attention_head_dim": .integer(Int64(configuration.headWidth)),
            "patch_size": .integer(Int64(configuration.patchSize)),
            "in_channels": .integer(Int64(configuration.inChannels)),
            "out_channels": .integer(Int64(configuration.outChannels)),
            "caption_channels": .integer(Int64(configuration.captionChannels)),
            "sample_size": .integer(Int64(configuration.sampleSize)),
            "interpolation_scale": .number(configuration.interpolationScale),
            "use_additional_conditions": .bool(configuration.sizeConditions),
        ]
    }

    package func gemmRows(_ options: DenoiserMemoryOptions) throws(PixArtError) -> Int {
        let size = try RunSize(options.size, prompts: options.prompts, options.guidance, configuration)
        let tokens = size.latents.height * size.latents.width / (configuration.patchSize * configuration.patchSize)
        return size.items * tokens
    }

    package func footprint(_ reader: WeightReader, streamed: Bool) -> WeightFootprint {
        streamed ? reader.footprint.dropping() : reader.footprint
    }

    package func activationBytes(
        _ options: DenoiserMemoryOptions, compute: ComputePrecision, ownSide: Int, _ pool: ThreadPool
    ) throws(PixArtError) -> Int {
        let size = try RunSize(options.size, prompts: options.prompts, options.guidance, configuration)
        // The latents of the image that the run starts from, and their noise.
        return (options.strength == nil ? 0 : 2 * 4 * size.latents.count)
            + PixArtTransformer.activationBytes(
                configuration, items: size.items, latentHeight: size.latents.height, latentWidth: size.latents.width,
                prompts: size.embeddings, tokens: options.tokens ?? pipeline.maximumTokens,
                copies: controlNet?.copies ?? 0, hints: size.images,
                cache: try options.cache?.contents(blocks: configuration.layers), compute: compute,
                attention: attention, pool)
    }
}
