import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// One denoising run, advanced step by step. For one thread at a time.
///
/// This implementation matches: the denoising loop of diffusers' `PixArtAlphaPipeline.__call__` and
/// `PixArtSigmaPipeline.__call__`. What guidance does is in `Guidance`, what a picture to start from does in
/// `ImageConditioning`.
package final class Sampler: ProcessBound {
    private let denoiser: Denoiser
    private let run: PixArtTransformer.Run
    private let guidance: Guidance
    private let prompts: (positives: [PixArtTransformer.Prompt], negatives: [PixArtTransformer.Prompt])
    /// [B, C, Y, X]: the images of the first prompt, of the second, and so on.
    private let shape: [Int]
    private var scheduler: any Scheduler
    /// The scheduler's, of which the run leaves out the first `skipped`, where it starts from a picture.
    private let allTimesteps: [Float]
    private let skipped: Int
    /// What the scheduler draws from.
    private var noiseSource: NoiseSource
    private let unusedNoise: NoiseSource
    /// The noise that the run starts from, [B, C, Y, X].
    private var noise: [Float]
    /// nil for runs from noise alone.
    private var conditioning: ImageConditioning?
    /// Whether the run ends with the scheduler's estimate of the latents without noise.
    private let endsAtOriginal: Bool
    private var current: [Float]
    /// The estimate of the last step, as `current`.
    private var original: [Float]?
    package private(set) var stepIndex = 0

    package var process: ProcessIdentity { denoiser.process }

    /// Fails with `.argument` where the prompts do not fit, and with `.option`.
    package init(_ denoiser: Denoiser, _ batch: PromptBatch, _ options: Options) throws(PixArtError) {
        self.denoiser = denoiser
        let configuration = denoiser.transformer.configuration
        guidance = try Guidance(options, blocks: configuration.layers)
        let images = try Self.images(of: batch.count, options)
        let (height, width) = try Self.size(options, configuration)
        shape = [images, configuration.inChannels, height / Denoiser.scale, width / Denoiser.scale]
        unusedNoise = try NoiseSource(options, images: shape[0])

        let plan = SchedulerPlan(
            steps: options.integer("num_inference_steps") ?? 1, timesteps: options.integers("timesteps"),
            sigmas: options.numbers("sigmas"), eta: options.number("eta") ?? 0)
        var scheduler = try denoiser.scheduler(options).start(plan)
        guard !scheduler.wantsVariance || configuration.outChannels > configuration.inChannels else {
            throw .option(
                "option \"scheduler\": \"variance_type\" is \"learned_range\", expected a fixed one: the transformer has "
                    + "no channels for it")
        }
        allTimesteps = scheduler.timesteps
        if let strength = options.number("strength") {
            conditioning = ImageConditioning(strength: strength, shape: shape)
            skipped = try ImageConditioning.skippedTimesteps(strength, plan, scheduler)
            scheduler.begin(at: skipped)
        } else {
            skipped = 0
        }
        self.scheduler = scheduler
        let isSingle = plan.steps == 1 && conditioning == nil && denoiser.pipeline.endsSingleStepAtOriginal
        endsAtOriginal = options.string("result") == "original" || options.string("result") == "auto" && isSingle

        prompts = try batch.projected(
            needsNegatives: guidance.needsNegatives, denoiser.transformer, denoiser.pool)
        run = try denoiser.transformer.run(
            items: images * Guidance.most(options).passes, latentHeight: shape[2], latentWidth: shape[3],
            size: (height, width), denoiser.pool)
        noiseSource = unusedNoise
        noise = noiseSource.normal(shape.reduce(1, *))
        let initial = scheduler.initialNoiseSigma
        current = noise.map { $0 * initial }
    }

    package var steps: Int { allTimesteps.count - skipped }

    /// What the transformer is told of the noise in each step.
    package var timesteps: [Float] { Array(allTimesteps[skipped...]) }

    /// The latents as they are now, float32 [B, C, Y, X].
    package func latents() throws(PixArtError) -> Tensor { try Tensor(shape: shape, elements: current) }

    /// The latents without noise that the last step estimated, float32 [B, C, Y, X]. After the first step only.
    package func estimate() throws(PixArtError) -> Tensor { try Tensor(shape: shape, elements: estimated()) }

    /// The estimate as a small picture, uint8 [B, Y, X, 3]. Fails with `.state` before the first step, and with `.option`
    /// where the options do not fit the latents.
    package func preview(_ options: Options) throws(PixArtError) -> Tensor {
        let latents = try estimated()
        let map = try PreviewMap(options, channels: shape[1], checkpoint: denoiser.previewMap)
        return try map.picture(of: latents, shape: shape)
    }

    private func estimated() throws(PixArtError) -> [Float] {
        guard let original else { throw .state("there is no estimate before the first step") }
        return original
    }

    // What a run starts from

    /// Starts from these latents instead of noise drawn from a seed: float32 [B, C, Y, X]. Only before the first step.
    package func setLatents(_ latents: Tensor) throws(PixArtError) {
        try requireStart("latents")
        guard latents.element == .float32, latents.shape == shape else {
            throw .argument("latents are \(latents.description), expected float32 \(shape)")
        }
        try latents.requireFinite("latents")
        noise = latents.floats
        // What was drawn for the latents that these replace is drawn for the steps, as in diffusers.
        noiseSource = unusedNoise
        restart()
    }

    /// Starts from a picture, by its latents: float32 [1 or B, C, Y, X]. Only before the first step, and for runs with a
    /// strength.
    package func setImage(_ latents: Tensor) throws(PixArtError) {
        try requireStart("an image")
        try requireConditioning { conditioning throws(PixArtError) in try conditioning.setImage(latents) }
    }

    /// Leaves the picture as it is where the mask is below 128: uint8 [H, W] or [1 or B, H, W], in pixels. Likewise.
    package func setMask(_ mask: Tensor) throws(PixArtError) {
        try requireStart("a mask")
        try requireConditioning { conditioning throws(PixArtError) in try conditioning.setMask(mask) }
    }

    private func requireStart(_ what: String) throws(PixArtError) {
        guard stepIndex == 0 else {
            throw .state("\(what) can be set before the first step only; \(stepIndex) of \(steps) are done")
        }
    }

    private func requireConditioning(
        _ change: (inout ImageConditioning) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        guard var changed = conditioning else {
            throw .state("the run starts from noise: its option \"strength\" is null")
        }
        try change(&changed)
        conditioning = changed
        restart()
    }

    private func restart() {
        let initial = scheduler.initialNoiseSigma
        current = conditioning?.start(noise, scheduler, at: skipped) ?? noise.map { $0 * initial }
    }

    // Steps

    /// Runs one step. When `progress` returns false it fails with `.cancelled` and leaves the run as it was.
    package func step(progress: Denoiser.Progress?) throws(PixArtError) {
        guard stepIndex < steps else { throw .state("the run is finished: all \(steps) steps are done") }
        guard conditioning?.hasImage ?? true else {
            throw .state("the run has no image to start from, as its option \"strength\" asks for")
        }
        let configuration = denoiser.transformer.configuration
        var done = 0
        func report(_ step: Int, _ share: Double) throws(PixArtError) {
            guard progress?(step, steps, (Double(stepIndex) + share) / Double(steps)) ?? true else {
                throw .cancelled
            }
        }
        let timestep = allTimesteps[skipped + stepIndex]
        let passes = guidance.passes(step: stepIndex, of: steps, timestep: timestep)
        let input = scheduler.modelInput(current)
        let output = try denoiser.transformer(
            passes.flatMap { _ in input }, timestep: timestep, passes.flatMap { shares(of: $0) },
            perturbedBlocks: guidance.perturbedBlocks, run, denoiser.pool
        ) { () throws(PixArtError) in
            done += 1
            try report(stepIndex, Double(done) / Double(configuration.layers))
        }
        func prediction(_ channels: Range<Int>) -> [Float] {
            let parts = self.parts(of: output, count: passes.count, channels)
            return guidance.combined(parts, of: passes, timestep: timestep)
        }
        var (nextScheduler, nextNoise) = (scheduler, noiseSource)
        let next = nextScheduler.step(
            output: prediction(0..<configuration.inChannels),
            variance: scheduler.wantsVariance
                ? prediction(configuration.inChannels..<configuration.outChannels) : nil,
            sample: current, noise: &nextNoise)
        try report(stepIndex + 1, 1)
        try finish(next, nextScheduler, nextNoise)
    }

    /// Goes on to the latents that a step resulted in, unless memory ran out on the way.
    private func finish(
        _ next: SchedulerStep, _ nextScheduler: any Scheduler, _ nextNoise: NoiseSource
    ) throws(PixArtError) {
        let isLast = stepIndex + 1 == steps
        var (latents, estimate) = (endsAtOriginal && isLast ? next.original : next.sample, next.original)
        if let conditioning {
            let index = isLast ? nil : skipped + stepIndex + 1
            latents = conditioning.kept(in: latents, noise: noise, nextScheduler, at: index)
            estimate = conditioning.kept(in: estimate, noise: noise, nextScheduler, at: nil)
        }
        try AllocationFailure.check()
        (current, original, scheduler, noiseSource) = (latents, estimate, nextScheduler, nextNoise)
        stepIndex += 1
    }

    /// The items of a pass: the images of each prompt.
    private func shares(of pass: Guidance.Pass) -> [PixArtTransformer.Share] {
        let prompts = pass == .negative ? self.prompts.negatives : self.prompts.positives
        return prompts.map { .init($0, items: shape[0] / prompts.count, isPerturbed: pass == .perturbed) }
    }

    /// Some channels of the transformer's output [passes * B, outChannels, Y, X], one part for each pass, each
    /// [B, channels, Y, X].
    private func parts(of output: [Float], count: Int, _ channels: Range<Int>) -> [ArraySlice<Float>] {
        let plane = shape[2] * shape[3]
        let all = denoiser.transformer.configuration.outChannels * plane
        return (0..<count).map { pass in
            let items = pass * shape[0]..<(pass + 1) * shape[0]
            return items.flatMap { item in
                output[item * all + channels.lowerBound * plane..<item * all + channels.upperBound * plane]
            }[...]
        }
    }

    // What options say

    /// Images of a run under so many prompts. Fails with `.option` where they are more than anyone has memory for.
    static func images(of prompts: Int, _ options: Options) throws(PixArtError) -> Int {
        let (each, most) = (options.integer("num_images_per_prompt") ?? 1, 1024)
        guard prompts * each <= most else {
            throw .option(
                "option \"num_images_per_prompt\" is \(each), expected at most \(most / prompts) with \(prompts) prompts"
            )
        }
        return prompts * each
    }

    /// Height and width that the run denoises at, in pixels.
    static func size(
        _ options: Options, _ configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) -> (height: Int, width: Int) {
        let own = configuration.sampleSize * Denoiser.scale
        let height = options.integer("height") ?? own
        let width = options.integer("width") ?? own
        let hasBins = ResolutionBins.exist(forSampleSize: configuration.sampleSize)
        if options.boolean("use_resolution_binning") ?? hasBins {
            guard hasBins else {
                throw .option(
                    "option \"use_resolution_binning\" is true, expected false: there are no bins for a checkpoint with "
                        + "sample_size \(configuration.sampleSize)")
            }
            return ResolutionBins.nearest(height: height, width: width, sampleSize: configuration.sampleSize)
        }
        let multiple = Denoiser.scale * configuration.patchSize
        for (key, value) in [("height", height), ("width", width)] where value % multiple != 0 {
            throw .option(
                "option \"\(key)\" is \(value), expected a multiple of \(multiple) without resolution binning")
        }
        return (height, width)
    }
}
