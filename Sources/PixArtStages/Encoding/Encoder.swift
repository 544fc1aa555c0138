import Glibc
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The first stage: text to embedding. Any number of threads may use it at once.
package final class Encoder: ProcessBound, Sendable {
    private let tokenizer: Tokenizer
    private let network: T5Encoder
    private let pipeline: Pipeline
    private let pool: ThreadPool
    private let weights: WeightFootprint
    private let compute: Compute
    /// What the encoder was opened from, and how.
    package let report: HandleReport

    /// Opens the parts `tokenizer` and `text_encoder` of a checkpoint.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        pipeline = checkpoint.pipeline
        let configuration = try T5Encoder.Configuration(
            checkpoint.configuration(Part.textEncoder.configuration))
        let vocabulary = try Self.vocabulary(checkpoint)
        tokenizer = try Tokenizer(path: vocabulary)
        guard tokenizer.vocabularySize <= configuration.vocabulary else {
            throw .model(
                "\(vocabulary): has \(tokenizer.vocabularySize) pieces, expected at most the text encoder's vocab_size "
                    + "\(configuration.vocabulary)")
        }
        let streamed = options.string("residency") == "streamed"
        pool = try ThreadPool(options)
        let part = try OpenedPart(.textEncoder, of: checkpoint, options, pool)
        compute = part.precision.compute
        network = try T5Encoder(configuration, compute: compute, streamed: streamed, part.reader)
        report = try part.report(
            companions: [vocabulary],
            [
                "vocab_size": .integer(Int64(configuration.vocabulary)), "d_model": .integer(Int64(configuration.width)),
                "d_ff": .integer(Int64(configuration.feedForwardWidth)), "d_kv": .integer(Int64(configuration.headWidth)),
                "num_layers": .integer(Int64(configuration.layers)), "num_heads": .integer(Int64(configuration.heads)),
            ])
        let footprint = part.reader.footprint
        weights = streamed ? footprint.streamed(layers: configuration.layers) : footprint
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

    /// What the encoder takes of memory when it encodes as many tokens as the options say.
    package func memory(_ options: Options) -> MemoryReport {
        MemoryReport(
            weights: weights,
            activations: Self.activationBytes(network.configuration, pipeline, compute, options, pool),
            held: pool.scratchBytes)
    }

    /// Where the time of the encoder went since it was opened.
    package var profile: Profile { pool.profile }

    package var process: ProcessIdentity { pool.process }

    /// Of a pass over the tokens that the options say.
    static func activationBytes(
        _ configuration: T5Encoder.Configuration, _ pipeline: Pipeline, _ compute: Compute, _ options: Options,
        _ pool: ThreadPool
    ) -> Int {
        T5Encoder.activationBytes(
            configuration, tokens: options.integer("tokens") ?? pipeline.maximumTokens, compute: compute, pool)
    }

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
        let embedding = try network(tokenize(prompt, options).ids, pool)
        return try Tensor(shape: [embedding.rows, embedding.columns], elements: embedding.elements)
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
