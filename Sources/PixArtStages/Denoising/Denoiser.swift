import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The second stage: embedding to latents. Any number of threads may use it at once.
package final class Denoiser: ProcessBound, Sendable {
    /// Called after each block and each step; returns whether to go on.
    package typealias Progress = (_ step: Int, _ steps: Int, _ fraction: Double) -> Bool

    /// Pixels along one side of a latent, for all published PixArt checkpoints.
    static let scale = 8

    let transformer: PixArtTransformer
    let pipeline: Pipeline
    /// What previews are made by, or why that is not to be had.
    let previewMap: Result<PreviewMap, PixArtError>
    /// The checkpoint's `scheduler_config.json`, if it has one.
    private let schedulerFile: ConfigurationFile?
    let pool: ThreadPool
    private let weights: WeightFootprint
    private let compute: Compute
    /// What the denoiser was opened from, and how.
    package let report: HandleReport

    /// Opens the parts `transformer` and `scheduler` of a checkpoint; where there is no scheduler, as in repositories that
    /// publish a transformer only, it takes the settings that all published checkpoints share.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        pipeline = checkpoint.pipeline
        previewMap = Result { () throws(PixArtError) in try PreviewMap(checkpoint) }
        let configuration = try PixArtTransformer.Configuration(
            checkpoint.configuration(Part.transformer.configuration))
        let schedule = "scheduler/scheduler_config.json"
        schedulerFile = checkpoint.contains(schedule) ? try checkpoint.configuration(schedule) : nil
        _ = try SchedulerRegistry.configuration(schedulerFile)
        pool = try ThreadPool(options)
        let part = try OpenedPart(.transformer, of: checkpoint, options, pool)
        compute = part.precision.compute
        transformer = try PixArtTransformer(configuration, compute: compute, part.reader)
        report = try part.report(
            companions: schedulerFile.map { [$0.path] } ?? [],
            [
                "num_layers": .integer(Int64(configuration.layers)),
                "num_attention_heads": .integer(Int64(configuration.heads)),
                "attention_head_dim": .integer(Int64(configuration.headWidth)),
                "patch_size": .integer(Int64(configuration.patchSize)),
                "in_channels": .integer(Int64(configuration.inChannels)),
                "out_channels": .integer(Int64(configuration.outChannels)),
                "caption_channels": .integer(Int64(configuration.captionChannels)),
                "sample_size": .integer(Int64(configuration.sampleSize)),
                "interpolation_scale": .number(configuration.interpolationScale),
                "use_additional_conditions": .bool(configuration.sizeConditions),
            ])
        weights = part.reader.footprint
    }

    /// The scheduler of a run, as its option `scheduler` and the checkpoint say. Fails with `.option`.
    func scheduler(_ options: Options) throws(PixArtError) -> any SchedulerConfiguration {
        try SchedulerRegistry.configuration(schedulerFile, option: options.json("scheduler"))
    }

    /// What the denoiser takes of memory in a run of the size that the options say. Fails with `.option`.
    package func memory(_ options: Options) throws(PixArtError) -> MemoryReport {
        MemoryReport(
            weights: weights,
            activations: try Self.activationBytes(transformer.configuration, pipeline, compute, options, pool),
            held: pool.scratchBytes)
    }

    /// Where the time of the denoiser went since it was opened.
    package var profile: Profile { pool.profile }

    package var process: ProcessIdentity { pool.process }

    /// Of a run of the size that the options say.
    static func activationBytes(
        _ configuration: PixArtTransformer.Configuration, _ pipeline: Pipeline, _ compute: Compute, _ options: Options,
        _ pool: ThreadPool
    ) throws(PixArtError) -> Int {
        let (height, width) = try Sampler.size(options, configuration)
        let prompts = options.integer("prompts") ?? 1
        let images = try Sampler.images(of: prompts, options)
        let most = Guidance.most(options)
        // A picture to start from, and its noise.
        let latents = 4 * images * configuration.inChannels * height / scale * width / scale
        return (options.number("strength") == nil ? 0 : 2 * latents)
            + PixArtTransformer.activationBytes(
                configuration, items: images * most.passes, latentHeight: height / scale, latentWidth: width / scale,
                prompts: prompts * most.prompts, tokens: options.integer("tokens") ?? pipeline.maximumTokens,
                compute: compute, pool)
    }

    /// A whole run from noise: the latents after its last step, float32 [B, C, Y, X].
    package func denoise(
        prompt: Tensor, negative: Tensor?, _ options: Options, progress: Progress?
    ) throws(PixArtError) -> Tensor {
        if let strength = options.number("strength") {
            throw .option(
                "option \"strength\" is \(strength), expected null: pixart_denoise takes no picture, and a sampler does by "
                    + "pixart_sampler_set_image")
        }
        let sampler = try Sampler(self, PromptBatch(prompt: prompt, negative: negative), options)
        while sampler.stepIndex < sampler.steps { try sampler.step(progress: progress) }
        return try sampler.latents()
    }
}
