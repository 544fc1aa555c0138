import PixArtCompute
import PixArtFormats
import PixArtNetworks

/// The second stage: embedding to latents. Any number of threads may use it at once.
package final class Denoiser: Sendable {
    /// Called after each block and each step; returns whether to go on.
    package typealias Progress = (_ step: Int, _ steps: Int, _ fraction: Double) -> Bool

    /// Pixels along one side of a latent, for all published PixArt checkpoints.
    static let scale = 8

    let transformer: PixArtTransformer
    let scheduler: any SchedulerConfiguration
    let pool: ThreadPool

    /// Opens the parts `transformer` and `scheduler` of a checkpoint; where there is no scheduler, as in repositories that
    /// publish a transformer only, it takes the settings that all published checkpoints share.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        let configuration = try PixArtTransformer.Configuration(checkpoint.configuration("transformer/config.json"))
        let schedule = "scheduler/scheduler_config.json"
        scheduler =
            checkpoint.contains(schedule)
            ? try SchedulerRegistry.configuration(checkpoint.configuration(schedule))
            : DPMSolverMultistepScheduler.Configuration.pixArt
        transformer = try PixArtTransformer(
            configuration,
            checkpoint.weights("transformer", stem: "diffusion_pytorch_model", variant: options.string("variant")))
        pool = try ThreadPool(threads: options.integer("threads") ?? 0)
    }

    /// A whole run: the latents after its last step, float32 [B, C, Y, X].
    package func denoise(
        prompt: Tensor, negative: Tensor?, _ options: Options, progress: Progress?
    ) throws(PixArtError) -> Tensor {
        let sampler = try Sampler(self, prompt: prompt, negative: negative, options)
        while sampler.stepIndex < sampler.steps { try sampler.step(progress: progress) }
        return try sampler.latents()
    }
}
