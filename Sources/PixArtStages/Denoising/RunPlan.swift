import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The size of a run, from its options and the checkpoint.
struct RunSize: Sendable {
    let prompts: Int
    let images: Int
    /// The size in pixels that the run denoises at.
    let height, width: Int
    let latents: LatentShape
    /// Most predictions that a step takes.
    let predictions: Int
    /// Embeddings that these are made under, negatives included.
    let embeddings: Int

    /// For a run under `prompts` prompts. Fails with `.option`.
    init(
        _ options: RunSizeOptions, prompts: Int, _ scales: GuidanceScales,
        _ configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) {
        self.prompts = prompts
        images = try Self.images(of: prompts, each: options.imagesPerPrompt)
        (height, width) = try Self.pixels(options, configuration)
        latents = LatentShape(
            images: images, channels: configuration.inChannels, height: height / LatentShape.scale,
            width: width / LatentShape.scale)
        let roles = Guidance.roles(scales)
        predictions = roles.count
        // Perturbed predictions have the embeddings of the prompts.
        embeddings = prompts * roles.count { $0 != .perturbed }
    }

    /// Most latents that a step predicts for.
    var items: Int { images * predictions }

    /// Images of the run. Fails with `.option` if there are more than 1024.
    private static func images(of prompts: Int, each: Int) throws(PixArtError) -> Int {
        let most = 1024
        guard prompts * each <= most else {
            throw .option(
                "option \"num_images_per_prompt\" is \(each), expected at most \(most / prompts) with \(prompts) prompts"
            )
        }
        return prompts * each
    }

    private static func pixels(
        _ options: RunSizeOptions, _ configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) -> (height: Int, width: Int) {
        let own = configuration.sampleSize * LatentShape.scale
        let height = options.height ?? own
        let width = options.width ?? own
        let hasBins = ResolutionBins.exist(forSampleSize: configuration.sampleSize)
        if options.usesResolutionBins ?? hasBins {
            guard hasBins else {
                throw .option(
                    "option \"use_resolution_binning\" is true, expected false: there are no bins for a checkpoint with "
                        + "sample_size \(configuration.sampleSize)")
            }
            return ResolutionBins.nearest(height: height, width: width, sampleSize: configuration.sampleSize)
        }
        let multiple = LatentShape.scale * configuration.patchSize
        try check(height, "height", multiple)
        try check(width, "width", multiple)
        return (height, width)
    }

    private static func check(_ value: Int, _ key: String, _ multiple: Int) throws(PixArtError) {
        guard value % multiple == 0 else {
            throw .option(
                "option \"\(key)\" is \(value), expected a multiple of \(multiple) without resolution binning")
        }
    }
}

/// What a run does: its options, resolved once with the checkpoint.
struct RunPlan: Sendable {
    let size: RunSize
    var guidance: Guidance
    /// The generator of the noise and of the scheduler, before the first draw.
    let noise: NoiseGenerator
    let schedule: RunSchedule
    /// How much of an image's latents is replaced by noise; nil for a run from noise alone.
    let strength: Double?
    let control: ControlOptions
    /// Whether the run ends with the predicted original.
    let endsAtPredictedOriginal: Bool

    /// For a run of `pipeline` under `prompts` prompts. Fails with `.option`.
    init(
        _ options: DenoiseOptions, prompts: Int, _ configuration: PixArtTransformer.Configuration, _ pipeline: Pipeline
    ) throws(PixArtError) {
        guidance = try Guidance(options.guidance, blocks: configuration.layers)
        size = try RunSize(options.size, prompts: prompts, options.guidance.scales, configuration)
        noise = try NoiseGenerator(options.seed, images: size.images)
        schedule = options.schedule
        strength = options.strength
        control = options.control
        try control.check()
        switch options.result {
        case .sample: endsAtPredictedOriginal = false
        case .predictedOriginal: endsAtPredictedOriginal = true
        case .automatic:
            endsAtPredictedOriginal = schedule.steps == 1 && strength == nil && pipeline.endsSingleStepAtOriginal
        }
    }

    /// The number of a scheduler's timesteps that the run skips because it starts from an image. Fails with `.option` if
    /// none is left.
    func skippedTimesteps(of scheduler: any Scheduler) throws(PixArtError) -> Int {
        guard let strength else { return 0 }
        let count = scheduler.timesteps.count
        let steps = schedule.timesteps == nil && schedule.sigmas == nil ? schedule.steps : count
        let skipped = (steps - min(Int(Double(steps) * strength), steps)) * scheduler.order
        guard skipped < count else {
            throw .option(
                "option \"strength\" is \(strength), expected more: of num_inference_steps \(schedule.steps) none is left"
            )
        }
        return skipped
    }
}
