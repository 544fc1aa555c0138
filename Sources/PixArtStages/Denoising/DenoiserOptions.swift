import PixArtCompute
import PixArtFormats

/// The options of `pixart_denoiser_open`.
package struct DenoiserOpenOptions: VerbOptions {
    package static let verb = "denoiser_open"

    let network: NetworkOptions
    let residency: Residency
    let transformer: TransformerOptions

    package init(_ reader: inout OptionReader) {
        network = NetworkOptions(&reader)
        residency = reader.read(
            .residency(
                "\"resident\": all weights are held in memory while the denoiser is open. \"streamed\": the pages of a "
                    + "block's memory-mapped weights are given back to the system once the block is computed. The next "
                    + "step takes them from the system's file cache, or reads them from the file again if they are no "
                    + "longer there. Results are the same. Weights that were converted while the denoiser was opened are "
                    + "not mapped, and stay in memory: convert the checkpoint with pixart_convert first."))
        transformer = TransformerOptions(&reader)
    }
}

/// What only a transformer is opened with.
struct TransformerOptions: Sendable {
    /// nil for the precision of matrix multiplications.
    let attention: AttentionPrecision?
    /// The path or id of a ControlNet.
    let controlNet: String?

    /// The defaults.
    static let plain: TransformerOptions = {
        var reader = OptionReader()
        return TransformerOptions(&reader)
    }()

    init(_ reader: inout OptionReader) {
        attention = reader.read(
            .automatic(
                "attention", AttentionPrecision.allCases,
                "Precision of self-attention. \"auto\": that of \"compute\". \"int8\" quantizes queries, keys, values and "
                    + "the weights of the softmax, and gives the same bits on all instruction sets. \"bfloat16\" is for "
                    + "compute \"bfloat16\" and \"int8\". Cross-attention takes little time and is not quantized."))
        controlNet = reader.read(.controlNet)
    }
}

extension Option where Value == String? {
    fileprivate static var controlNet: Self {
        .optionalText(
            "controlnet",
            "ControlNet of PixArt-delta to open with the transformer: a folder, a file of weights, or the id of a repository "
                + "in the Hub's cache. It may be the adapter of diffusers (PixArtControlNetAdapterModel), or a .pth file with "
                + "the names of the original repository, with or without the transformer in it. A run then needs a control "
                + "image, by pixart_sampler_set_control. weights, compute and unexpected_tensors are as for the transformer; "
                + "variant, config and state_dict are for the transformer alone. null means no ControlNet.")
    }
}

/// The options of `pixart_denoiser_memory`: those of a run that decide how much memory it takes.
package struct DenoiserMemoryOptions: MemoryOptions {
    package static let verb = "denoiser_memory"

    let guidance: GuidanceScales
    /// nil for a run from noise alone.
    let strength: Double?
    let cache: CacheRequest?
    let size: RunSizeOptions
    let prompts: Int
    /// nil for the most of the pipeline.
    let tokens: Int?

    package init(_ reader: inout OptionReader) {
        guidance = GuidanceScales(&reader)
        strength = reader.read(.strength)
        cache = reader.read(.cache)
        size = RunSizeOptions(&reader)
        prompts = reader.read(
            .integer("prompts", 1...256, default: 1, "Number of prompts, as in pixart_sampler_create_batch."))
        tokens = reader.read(.tokens)
    }

    package init(_ estimate: MemoryEstimateOptions) { self = estimate.run }
}

/// The options of `pixart_sampler_preview`.
package struct SamplerPreviewOptions: VerbOptions {
    package static let verb = "sampler_preview"

    let factors: [[Double]]?
    let bias: [Double]?

    package init(_ reader: inout OptionReader) {
        factors = reader.read(
            .optionalVectors(
                "rgb_factors", count: 3, -1e6...1e6,
                "Red, green and blue of each latent channel, [C][3], from -1 to 1. null means \"latent_rgb_factors\" of the "
                    + "checkpoint's vae/config.json. If this key is missing, null means the factors of the Stable Diffusion "
                    + "VAE if the scaling_factor in that file is 0.18215, and of the SDXL VAE if it is 0.13025. In all other "
                    + "cases the pipeline of the checkpoint decides between the two."))
        bias = reader.read(
            .optionalVector(
                "rgb_bias", count: 3, -1e6...1e6,
                "Red, green and blue of latents that are 0. null means the bias that belongs to the factors: "
                    + "\"latent_rgb_bias\" of vae/config.json, or 0 without this key, if the factors are those of that file; "
                    + "[0.1084, -0.0175, -0.0011] for the factors of the SDXL VAE; 0 for all others."))
    }
}
