// Made by `make docs` from the schemas of the library.

/// The options of `pixart_encoder_memory`.
public struct EncoderMemoryOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        tokens: Int? = nil
    ) {
        self.tokens = tokens
    }

    /// Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    /// "max_sequence_length". Default: `null`.
    public var tokens: Int? {
        get { read("tokens") }
        set { write("tokens", newValue) }
    }
}
