// Made by `make docs` from the schemas of the library.

/// The options of `pixart_sampler_preview`.
public struct SamplerPreviewOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        rgbBias: [Double]? = nil,
        rgbFactors: [[Double]]? = nil
    ) {
        self.rgbBias = rgbBias
        self.rgbFactors = rgbFactors
    }

    /// Red, green and blue of latents that are 0. null means the bias that belongs to the factors: "latent_rgb_bias" of
    /// vae/config.json, or 0 without this key, if the factors are those of that file; [0.1084, -0.0175, -0.0011] for
    /// the factors of the SDXL VAE; 0 for all others. Default: `null`.
    public var rgbBias: [Double]? {
        get { read("rgb_bias") }
        set { write("rgb_bias", newValue) }
    }

    /// Red, green and blue of each latent channel, [C][3], from -1 to 1. null means "latent_rgb_factors" of the
    /// checkpoint's vae/config.json. If this key is missing, null means the factors of the Stable Diffusion VAE if the
    /// scaling_factor in that file is 0.18215, and of the SDXL VAE if it is 0.13025. In all other cases the pipeline of
    /// the checkpoint decides between the two. Default: `null`.
    public var rgbFactors: [[Double]]? {
        get { read("rgb_factors") }
        set { write("rgb_factors", newValue) }
    }
}
