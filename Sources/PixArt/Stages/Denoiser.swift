internal import PixArtStages
internal import PixArtStorage

/// The second stage: embedding to latents. Any number of tasks may use it at once.
public final class Denoiser: Sendable {
    private let handle: PixArtStages.Denoiser

    /// Opens the transformer of a checkpoint, which `model` names as in `TextEncoder`. Fails with `.option`, `.file`,
    /// `.format`, `.model` and `.memory`.
    public init(
        model: String, options: DenoiserOpenOptions = DenoiserOpenOptions(), progress: ProgressHandler? = nil
    ) async throws {
        handle = try await CallThread.run(progress) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Denoiser(model: withoutNUL(model, "model"), options.read())
        }
    }

    /// Runs the complete denoising loop from seeded noise.
    ///
    /// - Parameters:
    ///   - prompt: float32 [S, E] from `TextEncoder.encode(_:options:progress:)`.
    ///   - negative: float32 [S', E], usually the embedding of ""; required if the guidance scale is above 1.
    ///
    /// Returns latents, float32 [B, C, Y, X], which `ImageDecoder` takes. Fails with `.argument` and `.option`.
    public func denoise(
        prompt: Tensor, negative: Tensor? = nil, options: DenoiseOptions = DenoiseOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        try await CallThread.run(progress) { [handle] () throws(PixArtStorage.PixArtError) in
            Tensor(
                try handle.inThisProcess().denoise(
                    prompt: prompt.stored, negative: negative?.stored, options.read()))
        }
    }

    /// A run that the caller advances step by step, or starts from an image. The run keeps the weights alive.
    public func sampler(
        prompt: Tensor, negative: Tensor? = nil, options: DenoiseOptions = DenoiseOptions()
    ) async throws -> Sampler {
        try await Sampler(handle, PromptBatch(prompt: prompt.stored, negative: negative?.stored), options)
    }

    /// A run of many prompts at once, with the images of the first prompt first.
    ///
    /// - Parameters:
    ///   - prompts: 1 to 256 embeddings of any lengths.
    ///   - negatives: As many; required if the guidance scale is above 1.
    public func sampler(
        prompts: [Tensor], negatives: [Tensor]? = nil, options: DenoiseOptions = DenoiseOptions()
    ) async throws -> Sampler {
        guard (1...256).contains(prompts.count) else {
            throw PixArtError(.argument, "there are \(prompts.count) prompts; expected 1 to 256")
        }
        if let negatives, negatives.count != prompts.count {
            throw PixArtError(
                .argument, "there are \(negatives.count) negatives; expected \(prompts.count), as prompts")
        }
        let batch = PromptBatch(prompts: prompts.map(\.stored), negatives: negatives?.map(\.stored))
        return try await Sampler(handle, batch, options)
    }

    /// The steps of a run, each of which is computed when it is asked for.
    ///
    ///     for try await step in denoiser.steps(prompt: prompt, negative: negative) {
    ///         show(try step.preview)
    ///     }
    ///
    /// Each loop over the sequence is a new run. Leaving a loop, or cancelling its task, ends the run.
    public func steps(
        prompt: Tensor, negative: Tensor? = nil, options: DenoiseOptions = DenoiseOptions(),
        progress: ProgressHandler? = nil
    ) -> Steps {
        Steps(progress) { try await self.sampler(prompt: prompt, negative: negative, options: options) }
    }

    /// The memory of the denoiser in a run, in bytes.
    public func memory(_ options: DenoiserMemoryOptions = DenoiserMemoryOptions()) throws(PixArtError) -> JSON {
        try handle.memoryReport(options)
    }

    /// Seconds and operations of each kind of work since the denoiser was opened.
    public var profile: JSON { JSON(handle.profile.json) }

    /// Files, precisions and instruction set that the denoiser was opened with.
    public var report: JSON { JSON(handle.report.json) }
}
