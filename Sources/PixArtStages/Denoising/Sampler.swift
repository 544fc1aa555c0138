import PixArtCompute
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// One denoising run, advanced step by step. For one thread at a time.
///
/// This implementation matches: the denoising loop of diffusers' `PixArtAlphaPipeline.__call__` and
/// `PixArtSigmaPipeline.__call__`. What guidance does is in `Guidance`, what an image to start from does in
/// `ImageConditioning`.
package final class Sampler: ProcessBound {
    private let denoiser: Denoiser
    private let transformer: PixArtTransformer
    private let plan: RunPlan
    private let workspace: PixArtTransformer.Workspace
    /// What the predictions of a step are made under, in the order of their items. A step may leave some out.
    private let conditionings: [Conditioning]
    /// The timesteps of the scheduler. A run that starts from an image skips the first `skipped`.
    private let allTimesteps: [Float]
    private let skipped: Int
    /// nil for a run that computes all of every step.
    private let cache: RunCache?
    /// The noise that the run starts from.
    private var noise: Latents
    /// nil for runs from noise alone.
    private var imageConditioning: ImageConditioning?
    /// The control image of a ControlNet.
    private var hint: ControlNet.Hint?
    /// What a step changes.
    private var state: State

    /// What a step changes: all of it, or nothing if the step fails.
    private struct State {
        var scheduler: any Scheduler
        /// The generator that the scheduler draws from.
        var noiseGenerator: NoiseGenerator
        /// The images of the first prompt, of the second, and so on.
        var latents: Latents
        /// The latents without noise that the last step predicted.
        var predictedOriginal: Latents?
        var stepIndex = 0
    }

    package var process: ProcessIdentity { denoiser.process }

    /// Fails with `.argument` if the prompts do not fit, and with `.option`.
    package init(_ denoiser: Denoiser, _ batch: PromptBatch, _ options: DenoiseOptions) throws(PixArtError) {
        self.denoiser = denoiser
        transformer = try denoiser.transformer(options.adapterScales)
        let configuration = transformer.configuration
        var plan = try RunPlan(options, prompts: batch.count, configuration, denoiser.pipeline)
        var scheduler = try denoiser.scheduler(options.scheduler).start(plan.schedule)
        guard !scheduler.wantsVariance || configuration.outChannels > configuration.inChannels else {
            throw .option(
                "option \"scheduler\": \"variance_type\" is \"learned_range\"; expected a fixed one: the transformer has "
                    + "no channels for it")
        }
        allTimesteps = scheduler.timesteps
        skipped = try plan.skippedTimesteps(of: scheduler)
        let shape = plan.size.latents
        imageConditioning = plan.strength.map { ImageConditioning(strength: $0, shape) }
        if imageConditioning != nil { scheduler.begin(at: skipped) }

        conditionings = try batch.conditionings(plan.guidance.roles, transformer, denoiser.pool)
        workspace = try transformer.workspace(
            for: shape.with(images: plan.size.items, channels: shape.channels),
            size: (plan.size.height, plan.size.width), denoiser.pool)
        let steps = allTimesteps.count - skipped
        if let request = options.cache, request.applies(toSteps: steps) {
            plan.guidance.firstStep = request.guidanceStart(steps: steps, skipped: skipped)
            cache = try RunCache(
                request, plan, transformer, timesteps: Array(allTimesteps[skipped...]), skipped: skipped, workspace,
                denoiser.pool)
        } else {
            cache = nil
        }
        self.plan = plan
        var noiseGenerator = plan.noise
        noise = Latents(shape, noiseGenerator.normal(shape.count))
        let initial = scheduler.initialNoiseSigma
        state = State(
            scheduler: scheduler, noiseGenerator: noiseGenerator,
            latents: Latents(shape, noise.values.map { $0 * initial }))
    }

    package var steps: Int { allTimesteps.count - skipped }
    package var stepIndex: Int { state.stepIndex }

    /// The timesteps that the transformer takes, one for each step.
    package var timesteps: [Float] { Array(allTimesteps[skipped...]) }

    /// The current latents, float32 [B, C, Y, X].
    package func latents() throws(PixArtError) -> Tensor { try state.latents.tensor() }

    /// The latents without noise that the last step predicted, float32 [B, C, Y, X]. Fails with
    /// `.state` before the first step.
    package func predictedOriginal() throws(PixArtError) -> Tensor { try lastPredictedOriginal().tensor() }

    /// The predicted original as a small image, uint8 [B, Y, X, 3]. Fails with `.state` before the first step, and with
    /// `.option` if the options do not fit the latents.
    package func preview(_ options: SamplerPreviewOptions) throws(PixArtError) -> Tensor {
        let latents = try lastPredictedOriginal()
        let map = try PreviewMap(options, channels: latents.shape.channels, checkpoint: denoiser.previewMap)
        return try map.preview(of: latents)
    }

    private func lastPredictedOriginal() throws(PixArtError) -> Latents {
        guard let latents = state.predictedOriginal else {
            throw .state("there is no predicted original before the first step")
        }
        return latents
    }

    // MARK: What a run starts from

    /// Starts from these latents instead of noise that is drawn from the seed: float32 [B, C, Y, X]. Only before the first
    /// step.
    package func setLatents(_ latents: Tensor) throws(PixArtError) {
        try requireStart("latents")
        guard LatentShape(latents) == noise.shape else {
            throw .argument("latents are \(latents.description), expected float32 \(noise.shape.dimensions)")
        }
        try latents.requireFinite("latents")
        noise = Latents(latents)
        // The steps draw the numbers that the replaced latents were drawn from, as in diffusers.
        state.noiseGenerator = plan.noise
        restart()
    }

    /// Starts from the latents of an image: float32 [1 or B, C, Y, X]. Only before the first step, and for runs with a
    /// strength.
    package func setImage(_ latents: Tensor) throws(PixArtError) {
        try requireStart("an image")
        try requireConditioning { conditioning throws(PixArtError) in try conditioning.setImage(latents) }
    }

    /// Keeps the image where the mask is below 128: uint8 [H, W] or [1 or B, H, W], in pixels. Only before the
    /// first step, and for runs with a strength.
    package func setMask(_ mask: Tensor) throws(PixArtError) {
        try requireStart("a mask")
        try requireConditioning { conditioning throws(PixArtError) in try conditioning.setMask(mask) }
    }

    /// Guides the run by a control image, by its latents: float32 [1 or B, C, Y, X]. Only before the first step,
    /// and if the denoiser has a ControlNet.
    package func setControl(_ latents: Tensor) throws(PixArtError) {
        try requireStart("a control image")
        guard transformer.controlNet != nil else {
            throw .state("the denoiser has no ControlNet: its option \"controlnet\" is null")
        }
        hint = try transformer.hint(
            Latents(images: latents, for: noise.shape), workspace, denoiser.pool)
        try AllocationFailure.check()
    }

    private func requireStart(_ what: String) throws(PixArtError) {
        guard stepIndex == 0 else {
            throw .state("\(what) can be set before the first step only; \(stepIndex) of \(steps) are done")
        }
    }

    private func requireConditioning(
        _ change: (inout ImageConditioning) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        guard var changed = imageConditioning else {
            throw .state("the run starts from noise: its option \"strength\" is null")
        }
        try change(&changed)
        imageConditioning = changed
        restart()
    }

    private func restart() {
        let initial = state.scheduler.initialNoiseSigma
        state.latents =
            imageConditioning?.start(noise, state.scheduler, at: skipped)
            ?? Latents(noise.shape, noise.values.map { $0 * initial })
    }

    // MARK: Steps

    /// Runs one step. If the host cancels it, it fails with `.cancelled`, and the run is unchanged.
    package func step() throws(PixArtError) {
        guard stepIndex < steps else { throw .state("the run is finished: all \(steps) steps are done") }
        guard imageConditioning?.hasImage ?? true else {
            throw .state("the run has no image to start from, as its option \"strength\" asks for")
        }
        guard hint != nil || transformer.controlNet == nil || plan.control.scale == 0 else {
            throw .state(
                "the run has no control image, which the denoiser's ControlNet needs: set it with "
                    + "pixart_sampler_set_control, or set the option \"controlnet_conditioning_scale\" to 0")
        }
        let configuration = transformer.configuration
        let timestep = allTimesteps[skipped + stepIndex]
        let predictions = try predictions(timestep: timestep)
        func prediction(_ channels: Range<Int>) -> [Float] {
            let parts = predictions.flatMap { zip($0.roles, $0.output.parts($0.roles.count, channels: channels)) }
            return plan.guidance.combined(parts, timestep: timestep).values
        }
        var next = state
        let result = next.scheduler.step(
            output: prediction(0..<configuration.inChannels),
            variance: state.scheduler.wantsVariance
                ? prediction(configuration.inChannels..<configuration.outChannels) : nil,
            sample: state.latents.values, noise: &next.noiseGenerator)
        try report(done: stepIndex + 1)
        finish(result, &next)
        try AllocationFailure.check()
        state = next
    }

    /// The transformer's predictions of the next step: of all conditionings at once, or of parts that a cache makes one
    /// after the other.
    private func predictions(
        timestep: Float
    ) throws(PixArtError) -> [(roles: [Conditioning.Role], output: Latents)] {
        let input = Latents(noise.shape, state.scheduler.modelInput(state.latents.values))
        let control = plan.control.scale(step: stepIndex, of: steps).flatMap { scale in
            hint.map { ControlNet.Control($0, scale: scale) }
        }
        let used = conditionings.filter {
            plan.guidance.uses($0.role, step: stepIndex, of: steps, timestep: timestep)
        }
        var predictions: [(roles: [Conditioning.Role], output: Latents)] = []
        for (index, roles) in (cache?.parts(of: stepIndex) ?? [used.map(\.role)]).enumerated() {
            try report(done: stepIndex, parts: index)
            let segments = used.filter { roles.contains($0.role) }.flatMap { $0.segments(images: plan.size.images) }
            let output = try transformer(
                input.repeated(roles.count), timestep: timestep, segments,
                perturbedBlocks: plan.guidance.perturbedBlocks, control: control,
                cache: cache?.part(index, of: stepIndex), workspace, denoiser.pool)
            predictions.append((roles, output))
        }
        return predictions
    }

    /// Reports the steps that are done, and the parts of the next, weighed by what they compute.
    private func report(done: Int, parts: Int = 0) throws(PixArtError) {
        guard let cache else { return try CallProgress.report(step: done, of: steps) }
        try cache.report(done: done, parts: parts)
    }

    /// The state after a step with this result.
    private func finish(_ result: SchedulerStep, _ next: inout State) {
        let isLast = stepIndex + 1 == steps
        var latents = Latents(
            noise.shape, plan.endsAtPredictedOriginal && isLast ? result.predictedOriginal : result.sample)
        var original = Latents(noise.shape, result.predictedOriginal)
        if let imageConditioning {
            let index = isLast ? nil : skipped + stepIndex + 1
            latents = imageConditioning.kept(in: latents, noise: noise, next.scheduler, at: index)
            original = imageConditioning.kept(in: original, noise: noise, next.scheduler, at: nil)
        }
        next.latents = latents
        next.predictedOriginal = original
        next.stepIndex += 1
    }
}

extension Denoiser {
    /// A whole run from noise: the latents after its last step, float32 [B, C, Y, X].
    package func denoise(prompt: Tensor, negative: Tensor?, _ options: DenoiseOptions) throws(PixArtError) -> Tensor {
        if let strength = options.strength {
            throw .option(
                "option \"strength\" is \(strength), expected null: pixart_denoise takes no image, but a sampler does by "
                    + "pixart_sampler_set_image_latents")
        }
        let sampler = try Sampler(self, PromptBatch(prompt: prompt, negative: negative), options)
        while sampler.stepIndex < sampler.steps { try sampler.step() }
        return try sampler.latents()
    }
}
