// Made by `make docs` from the schemas of the library.

/// The options of `pixart_encode`.
public struct EncodeOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        cleanCaption: Bool? = nil,
        maxSequenceLength: Int? = nil,
        preset: Preset? = nil
    ) {
        self.cleanCaption = cleanCaption
        self.maxSequenceLength = maxSequenceLength
        self.preset = preset
    }

    /// true: clean the prompt as the diffusers pipeline does by default, which removes HTML and URLs, repairs mojibake,
    /// and more. false: only lower-case and strip it. Default: `true`.
    public var cleanCaption: Bool? {
        get { read("clean_caption") }
        set { write("clean_caption", newValue) }
    }

    /// Maximum number of tokens, including the end-of-sequence token. The rest of the prompt is dropped. null means
    /// 120, or 300 if the checkpoint is of PixArtSigmaPipeline. Default: `null`.
    public var maxSequenceLength: Int? {
        get { read("max_sequence_length") }
        set { write("max_sequence_length", newValue) }
    }

    /// Accepted so that all stages can take the same preset. It sets no option of this verb. Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }
}
