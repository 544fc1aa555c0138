internal import PixArtStages
internal import PixArtStorage

import Synchronization

/// One denoising run that the caller advances. Calls from several tasks take turns.
///
/// After the last step, the latents equal the result of `Denoiser.denoise`. A step that is cancelled changes nothing, and
/// can be run again.
public final class Sampler: Sendable {
    /// The number of steps of the run.
    public let steps: Int
    /// The diffusion timestep of each step, 0 to 999 for published models.
    public let timesteps: [Float]

    private let run: Turns<PixArtStages.Sampler>
    private let done = Atomic(0)

    init(_ denoiser: PixArtStages.Denoiser, _ batch: PromptBatch, _ options: DenoiseOptions) async throws {
        let (run, timesteps) = try await CallThread.run { () throws(PixArtStorage.PixArtError) in
            let sampler = try PixArtStages.Sampler(denoiser.inThisProcess(), batch, options.read())
            return (Turns(sampler), sampler.timesteps)
        }
        (self.run, self.timesteps, steps) = (run, timesteps, timesteps.count)
    }

    /// The number of steps done so far.
    public var stepIndex: Int { done.load(ordering: .acquiring) }

    /// Runs one step. Fails with `.state` after the last one, and if the run still needs an image or a control image.
    @discardableResult
    public func step(progress: ProgressHandler? = nil) async throws -> Step {
        try await inTurn(progress) { sampler throws(PixArtStorage.PixArtError) in
            try self.advance(sampler)
            return try Step(sampler)
        }
    }

    /// Runs the steps that are left, and returns the latents, float32 [B, C, Y, X].
    public func finish(progress: ProgressHandler? = nil) async throws -> Tensor {
        try await inTurn(progress) { sampler throws(PixArtStorage.PixArtError) in
            while sampler.stepIndex < sampler.steps { try self.advance(sampler) }
            return Tensor(try sampler.latents())
        }
    }

    /// The steps that are left, each of which is computed when it is asked for.
    public func remainingSteps(progress: ProgressHandler? = nil) -> Steps { Steps(progress) { self } }

    /// The current latents, float32 [B, C, Y, X]: the noisy start before the first step.
    public func latents() async throws -> Tensor {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in Tensor(try sampler.latents()) }
    }

    /// The latents without noise that the last step predicted, float32 [B, C, Y, X], which `ImageDecoder` takes. Fails
    /// with `.state` before the first step.
    public func predictedOriginal() async throws -> Tensor {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in Tensor(try sampler.predictedOriginal()) }
    }

    /// The predicted original as small images, one pixel for each latent, without a decoder. Fails with `.state` before
    /// the first step, and with `.option` if no map from latents to colours is known.
    public func preview(_ options: SamplerPreviewOptions = SamplerPreviewOptions()) async throws -> [Image] {
        let preview = try await inTurn { sampler throws(PixArtStorage.PixArtError) in
            Tensor(try sampler.preview(options.read()))
        }
        return try preview.images()
    }

    // MARK: What a run starts from

    /// Uses this noise instead of noise drawn from the seed: float32 [B, C, Y, X], standard normal. Only before the first
    /// step, as all of these.
    public func setNoise(_ noise: Tensor) async throws {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in try sampler.setLatents(noise.stored) }
    }

    /// Starts from an image, with as much noise as the option `strength` says: float32 [1 or B, C, Y, X] from
    /// `ImageEncoder`.
    public func setImageLatents(_ latents: Tensor) async throws {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in try sampler.setImage(latents.stored) }
    }

    /// Regenerates only where the mask is 128 or more: uint8 [H, W] or [1 or B, H, W], in pixels of the run's size.
    public func setMask(_ mask: Tensor) async throws {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in try sampler.setMask(mask.stored) }
    }

    /// Guides the run by a control image, with the ControlNet that the denoiser was opened with: float32
    /// [1 or B, C, Y, X] from `ImageEncoder`.
    public func setControl(_ latents: Tensor) async throws {
        try await inTurn { sampler throws(PixArtStorage.PixArtError) in try sampler.setControl(latents.stored) }
    }

    private func advance(_ sampler: PixArtStages.Sampler) throws(PixArtStorage.PixArtError) {
        try sampler.step()
        done.store(sampler.stepIndex, ordering: .releasing)
    }

    private func inTurn<Result: Sendable>(
        _ progress: ProgressHandler? = nil,
        _ body: @escaping @Sendable (PixArtStages.Sampler) throws(PixArtStorage.PixArtError) -> Result
    ) async throws -> Result {
        try await CallThread.run(progress) { [run] () throws(PixArtStorage.PixArtError) in
            try run.take { sampler throws(PixArtStorage.PixArtError) in
                guard sampler.process == .current else {
                    throw .state("the run was started before fork(); expected one of this process")
                }
                return try body(sampler)
            }
        }
    }
}
