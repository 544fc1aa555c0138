// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_encode`.
public struct ImageEncodeOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        preset: Preset? = nil,
        sampleMode: SampleMode? = nil,
        seed: Seed? = nil
    ) {
        self.preset = preset
        self.sampleMode = sampleMode
        self.seed = seed
    }

    /// Accepted so that all stages can take the same preset. It sets no option of this verb. Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }

    /// Latents of the distribution that a VAE encodes an image into. "sample" draws them, "argmax" takes the mean. A
    /// tiny autoencoder has no distribution, and its latents are the same in both modes. Default: `"sample"`.
    public var sampleMode: SampleMode? {
        get { read("sample_mode") }
        set { write("sample_mode", newValue) }
    }

    /// Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the whole
    /// batch, or an array with one seed for each image. Default: `0`.
    public var seed: Seed? {
        get { read("seed") }
        set { write("seed", newValue) }
    }

    /// The values of `sampleMode`.
    public enum SampleMode: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case sample
        case argmax
    }
}
