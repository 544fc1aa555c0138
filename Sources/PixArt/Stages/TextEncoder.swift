internal import PixArtStages
internal import PixArtStorage

/// The first stage: text to embedding. Any number of tasks may use it at once.
///
/// The last reference frees the weights, so keep an encoder no longer than it is needed.
public final class TextEncoder: Sendable {
    private let handle: PixArtStages.Encoder

    /// Opens the tokenizer and the text encoder of a checkpoint.
    ///
    /// - Parameter model: A folder in the diffusers layout, a folder of the part, a file of weights, or the id of a
    ///   repository in the local cache of the Hub. Nothing is downloaded.
    ///
    /// Fails with `.option`, `.file`, `.format`, `.model` and `.memory`.
    public init(
        model: String, options: EncoderOpenOptions = EncoderOpenOptions(), progress: ProgressHandler? = nil
    ) async throws {
        handle = try await CallThread.run(progress) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Encoder(model: withoutNUL(model, "model"), options.read())
        }
    }

    /// The embedding of a prompt, float32 [S, E], with one row for each token. "" is the unconditional prompt of
    /// classifier-free guidance.
    public func encode(
        _ prompt: String, options: EncodeOptions = EncodeOptions(), progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        try await CallThread.run(progress) { [handle] () throws(PixArtStorage.PixArtError) in
            Tensor(try handle.inThisProcess().encode(prompt, options.read()))
        }
    }

    /// The cleaned text and the tokens of a prompt, and what was truncated.
    public func tokenize(_ prompt: String, options: EncodeOptions = EncodeOptions()) async throws -> Tokenization {
        try await CallThread.run { [handle] () throws(PixArtStorage.PixArtError) in
            Tokenization(try handle.inThisProcess().tokenize(prompt, options.read()))
        }
    }

    /// The memory of the encoder in a call, in bytes.
    public func memory(_ options: EncoderMemoryOptions = EncoderMemoryOptions()) throws(PixArtError) -> JSON {
        try handle.memoryReport(options)
    }

    /// Seconds and operations of each kind of work since the encoder was opened.
    public var profile: JSON { JSON(handle.profile.json) }

    /// Files, precisions and instruction set that the encoder was opened with.
    public var report: JSON { JSON(handle.report.json) }
}

/// The tokens of a prompt, and the text that was truncated.
public struct Tokenization: Hashable, Sendable {
    /// The prompt after cleaning.
    public let text: String
    /// Including the end-of-sequence token.
    public let ids: [Int32]
    public let pieces: [String]
    /// The bytes of `text` in UTF-8 that each piece comes from.
    public let ranges: [Range<Int>]
    /// Most tokens that the network gets.
    public let maximum: Int
    public let truncatedTokens: Int
    public let truncatedText: String

    init(_ tokens: PixArtStages.Tokenization) {
        (text, ids, pieces, ranges) = (tokens.text, tokens.ids, tokens.pieces, tokens.ranges)
        (maximum, truncatedTokens, truncatedText) = (tokens.maximum, tokens.truncatedTokens, tokens.truncatedText)
    }
}

extension StageHandle {
    /// This handle. Fails with `.state` in a child of `fork()`, which has none of its threads.
    func inThisProcess() throws(PixArtStorage.PixArtError) -> Self {
        guard process == .current else {
            throw .state("the stage was opened in process \(process.id), before fork(); expected one of this process")
        }
        return self
    }

    func memoryReport(_ options: some CallOptions) throws(PixArtError) -> JSON {
        try translatingErrors { () throws(PixArtStorage.PixArtError) in
            JSON(try inThisProcess().memory(options.read()).json)
        }
    }
}
