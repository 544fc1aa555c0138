import Glibc
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The first stage: text to embedding. Thread-safe.
package final class Encoder: StageHandle {
    private let tokenizer: Tokenizer
    private let pipeline: Pipeline
    package let opened: OpenedNetwork<TextEncoderDescription>

    /// Opens the parts `tokenizer` and `text_encoder` of a checkpoint.
    package init(model: String, _ options: EncoderOpenOptions) throws(PixArtError) {
        let checkpoint = try Checkpoint(model: model, options.network.source)
        pipeline = checkpoint.pipeline
        let description = try TextEncoderDescription(checkpoint)
        let (tokenizer, vocabulary) = try Self.tokenizer(checkpoint, options.tokenizer)
        self.tokenizer = tokenizer
        guard tokenizer.vocabularySize <= description.configuration.vocabulary else {
            throw .model(
                "\(vocabulary): has \(tokenizer.vocabularySize) pieces, expected at most the text encoder's vocab_size "
                    + "\(description.configuration.vocabulary)")
        }
        opened = try OpenedNetwork(
            description, .textEncoder, of: checkpoint, options.network, streamed: options.residency == .streamed,
            companions: [vocabulary])
    }

    /// The tokenizer and its file: that of the option, or else that in the file of weights, or else `spiece.model`, which
    /// folders of transformers 5 lack, or else `tokenizer.json`.
    private static func tokenizer(
        _ checkpoint: Checkpoint, _ option: String?
    ) throws(PixArtError) -> (Tokenizer, path: String) {
        let names = ["spiece.model", "tokenizer.json"]
        if let option {
            let candidates = names.flatMap { ["\(option)/\($0)", "\(option)/tokenizer/\($0)"] }
            let path = candidates.first { access($0, F_OK) == 0 } ?? option
            return (try Tokenizer(path: path), path)
        }
        if let own = try checkpoint.ownTokenizer() { return (own, checkpoint.location.path) }
        guard let path = checkpoint.companionFile(.textEncoder, names) else {
            let folder = checkpoint.companionFolders(.textEncoder)[0]
            throw .file(
                "\(folder)/spiece.model: missing, and so is tokenizer.json; expected one of them, or the option "
                    + "\"tokenizer\" to name one")
        }
        return (try Tokenizer(path: path), path)
    }

    /// The cleaned text and the tokens of a prompt, which the network takes.
    package func tokenize(_ prompt: String, _ options: EncodeOptions) throws(PixArtError) -> Tokenization {
        let text =
            options.cleansCaption ? try CaptionCleaner.clean(prompt) : CaptionCleaner.normalize(prompt)
        let maximum = options.maximumTokens ?? pipeline.maximumTokens
        let split = try tokenizer.encode(text)
        let (count, kept) = (split.ids.count, min(split.ids.count, maximum - 1))
        return Tokenization(
            text: text,
            ids: split.ids[..<kept] + [tokenizer.endOfSequence],
            pieces: split.pieces[..<kept] + ["</s>"],
            ranges: split.ranges[..<kept] + [text.utf8.count..<text.utf8.count],
            maximum: maximum,
            truncatedTokens: count - kept,
            truncatedText: kept < count ? tokenizer.decode(Array(split.ids[kept...])) : "")
    }

    /// The embedding of a prompt, float32 [S, E], with one row for each token that is kept.
    package func encode(_ prompt: String, _ options: EncodeOptions) throws(PixArtError) -> Tensor {
        let ids = try tokenize(prompt, options).ids
        try CallProgress.report(step: 0, of: 1)
        let embedding = try opened.network(ids, opened.pool)
        try CallProgress.report(step: 1, of: 1)
        return Tensor(embedding)
    }
}

/// The tokens of a prompt, and the text that was truncated.
package struct Tokenization: Sendable {
    /// The prompt after cleaning.
    package let text: String
    /// Including the end-of-sequence token.
    package let ids: [Int32]
    package let pieces: [String]
    /// The bytes of `text` that each piece comes from.
    package let ranges: [Range<Int>]
    package let maximum: Int
    package let truncatedTokens: Int
    package let truncatedText: String

    /// The report as hosts get it.
    package var json: JSONValue {
        .object([
            "text": .string(text),
            "ids": .array(ids.map { .integer(Int64($0)) }),
            "pieces": .array(pieces.map { .string($0) }),
            "offsets": .array(
                ranges.map { .array([.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))]) }),
            "max_sequence_length": .integer(Int64(maximum)),
            "truncated_tokens": .integer(Int64(truncatedTokens)),
            "truncated_text": .string(truncatedText),
        ])
    }
}
