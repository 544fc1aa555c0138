import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The transformer as the part `transformer` describes it.
struct TransformerDescription: NetworkDescription {
    let configuration: PixArtTransformer.Configuration
    private let pipeline: Pipeline

    init(_ checkpoint: Checkpoint) throws(PixArtError) {
        configuration = try PixArtTransformer.Configuration(
            checkpoint.configuration(Part.transformer.configuration))
        pipeline = checkpoint.pipeline
    }

    func network(_ reader: WeightReader, compute: Compute, streamed: Bool) throws(PixArtError) -> PixArtTransformer {
        try PixArtTransformer(configuration, compute: compute, reader)
    }

    var architecture: [Name: JSONValue] {
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

    var layers: Int { configuration.layers }

    func activationBytes(
        _ options: Options, compute: Compute, ownSide: Int, _ pool: ThreadPool
    ) throws(PixArtError) -> Int {
        let (height, width) = try Sampler.size(options, configuration)
        let (latentHeight, latentWidth) = (height / Denoiser.scale, width / Denoiser.scale)
        let prompts = options.integer("prompts") ?? 1
        let images = try Sampler.images(of: prompts, options)
        let most = Guidance.most(options)
        // The latents of an image to start from, and its noise.
        let latents = 4 * images * configuration.inChannels * latentHeight * latentWidth
        return (options.number("strength") == nil ? 0 : 2 * latents)
            + PixArtTransformer.activationBytes(
                configuration, items: images * most.passes, latentHeight: latentHeight, latentWidth: latentWidth,
                prompts: prompts * most.prompts, tokens: options.integer("tokens") ?? pipeline.maximumTokens,
                compute: compute, pool)
    }
}
