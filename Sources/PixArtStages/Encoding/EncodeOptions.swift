import PixArtFormats

/// The options of `pixart_encoder_open`.
package struct EncoderOpenOptions: VerbOptions {
    package static let verb = "encoder_open"

    let network: NetworkOptions
    let residency: Residency
    let tokenizer: String?

    package init(_ reader: inout OptionReader) {
        network = NetworkOptions(&reader)
        residency = reader.read(
            .residency(
                "\"resident\": all weights are held in memory while the encoder is open. \"streamed\": one layer is held "
                    + "at a time, and each prompt reads and converts all layers again. This takes little memory and more "
                    + "time."))
        tokenizer = reader.read(
            .optionalText(
                "tokenizer",
                "Path of the tokenizer: a spiece.model, a tokenizer.json, or a folder that has one. null means the one of "
                    + "the checkpoint, the one inside a GGUF file, or the one beside a single file of weights."))
    }
}

/// The options of `pixart_encode` and `pixart_encoder_tokenize`.
package struct EncodeOptions: VerbOptions {
    package static let verb = "encode"

    let cleansCaption: Bool
    /// nil for the pipeline's.
    let maximumTokens: Int?

    package init(_ reader: inout OptionReader) {
        cleansCaption = reader.read(
            .boolean(
                "clean_caption", default: true,
                "true: clean the prompt as the diffusers pipeline does by default, which removes HTML and URLs, repairs "
                    + "mojibake, and more. false: only lower-case and strip it."))
        maximumTokens = reader.read(
            .optionalInteger(
                "max_sequence_length", 1...4096,
                "Maximum number of tokens, including the end-of-sequence token. The rest of the prompt is dropped. null "
                    + "means 120, or 300 if the checkpoint is of PixArtSigmaPipeline."))
    }
}

/// The options of `pixart_encoder_memory`.
package struct EncoderMemoryOptions: MemoryOptions {
    package static let verb = "encoder_memory"

    /// nil for the most of the pipeline.
    let tokens: Int?

    package init(_ reader: inout OptionReader) { tokens = reader.read(.tokens) }

    package init(_ estimate: MemoryEstimateOptions) { tokens = estimate.run.tokens }
}

extension Option where Value == Int? {
    static var tokens: Self {
        .optionalInteger(
            "tokens", 1...4096,
            "Number of tokens of each prompt, including the end-of-sequence token. null means the default of "
                + "\"max_sequence_length\".")
    }
}
