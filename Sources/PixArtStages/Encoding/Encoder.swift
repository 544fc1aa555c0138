import Glibc
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The first stage: text to embedding. Any number of threads may use it at once.
package final class Encoder: ProcessBound, Sendable {
    private let tokenizer: Tokenizer
    private let pipeline: Pipeline
    private let opened: OpenedNetwork<TextEncoderDescription>

    /// Opens the parts `tokenizer` and `text_encoder` of a checkpoint.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        pipeline = checkpoint.pipeline
        let description = try TextEncoderDescription(checkpoint)
        let vocabulary = try Self.vocabulary(checkpoint)
        tokenizer = try Tokenizer(path: vocabulary)
        guard tokenizer.vocabularySize <= description.configuration.vocabulary else {
            throw .model(
                "\(vocabulary): has \(tokenizer.vocabularySize) pieces, expected at most the text encoder's vocab_size "
                    + "\(description.configuration.vocabulary)")
        }
        opened = try OpenedNetwork(
            description, .textEncoder, of: checkpoint, options, streamed: options.string("residency") == "streamed",
            companions: [vocabulary])
    }

    /// The tokenizer's file: `spiece.model`, which folders of transformers 5 lack, or else `tokenizer.json`.
    private static func vocabulary(_ checkpoint: Checkpoint) throws(PixArtError) -> String {
        for name in ["spiece.model", "tokenizer.json"] {
            let path = checkpoint.path("tokenizer/\(name)")
            if access(path, F_OK) == 0 { return path }
        }
        throw .file(
            "\(checkpoint.path("tokenizer/spiece.model")): missing, and so is tokenizer.json; expected one of them")
    }

    /// What the encoder takes of memory when it encodes as many tokens as the options say. Fails with `.option`.
    package func memory(_ options: Options) throws(PixArtError) -> MemoryReport { try opened.memory(options) }

    /// What the encoder was opened from, and how.
    package var report: HandleReport { opened.report }

    /// Where the time of the encoder went since it was opened.
    package var profile: Profile { opened.profile }

    package var process: ProcessIdentity { opened.process }

    /// What a prompt becomes before the network sees it.
    package func tokenize(_ prompt: String, _ options: Options) throws(PixArtError) -> Tokenization {
        let text =
            options.boolean("clean_caption") == true
            ? try CaptionCleaner.clean(prompt) : CaptionCleaner.normalize(prompt)
        let maximum = options.integer("max_sequence_length") ?? pipeline.maximumTokens
        let (ids, pieces) = try tokenizer.encode(text)
        let kept = min(ids.count, maximum - 1)
        return Tokenization(
            text: text,
            ids: ids[..<kept] + [tokenizer.endOfSequence],
            pieces: pieces[..<kept] + ["</s>"],
            maximum: maximum,
            truncatedTokens: ids.count - kept,
            truncatedText: kept < ids.count ? tokenizer.decode(Array(ids[kept...])) : "")
    }

    /// The embedding of a prompt, float32 [S, E], one row for each token that is kept.
    package func encode(_ prompt: String, _ options: Options) throws(PixArtError) -> Tensor {
        Tensor(try opened.network(tokenize(prompt, options).ids, opened.pool))
    }
}

/// A prompt as tokens, and what was lost on the way.
package struct Tokenization: Sendable {
    /// After cleaning.
    package let text: String
    /// The closing `</s>` included.
    package let ids: [Int32]
    package let pieces: [String]
    package let maximum: Int
    package let truncatedTokens: Int
    package let truncatedText: String

    /// As hosts get it.
    package var json: JSONValue {
        .object([
            "text": .string(text),
            "ids": .array(ids.map { .integer(Int64($0)) }),
            "pieces": .array(pieces.map { .string($0) }),
            "max_sequence_length": .integer(Int64(maximum)),
            "truncated_tokens": .integer(Int64(truncatedTokens)),
            "truncated_text": .string(truncatedText),
        ])
    }
}
