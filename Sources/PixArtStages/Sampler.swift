import PixArtCompute
import PixArtFormats
import PixArtNetworks

/// One denoising run, advanced step by step. For one thread at a time.
///
/// This implementation matches: the denoising loop of diffusers' `PixArtAlphaPipeline.__call__` for one prompt.
package final class Sampler {
    private let denoiser: Denoiser
    private let run: PixArtTransformer.Run
    private let guidanceScale: Float?
    private let shape: [Int]
    private var scheduler: any Scheduler
    /// What the scheduler draws from.
    private var noise: NoiseSource
    private let unusedNoise: NoiseSource
    /// Whether the run ends with the scheduler's estimate of the latents without noise.
    private let endsAtOriginal: Bool
    private var current: [Float]
    package private(set) var stepIndex = 0

    /// `prompt` is float32 [S, E]; so is `negative`, which guidance needs. Fails with `.argument` and `.option`.
    package init(
        _ denoiser: Denoiser, prompt: Tensor, negative: Tensor?, _ options: Options
    ) throws(PixArtError) {
        self.denoiser = denoiser
        let configuration = denoiser.transformer.configuration
        let scale = options.number("guidance_scale") ?? 1
        guidanceScale = scale > 1 ? Float(scale) : nil
        let images = options.integer("num_images_per_prompt") ?? 1
        let (height, width) = try Self.size(options, configuration)
        shape = [images, configuration.inChannels, height / Denoiser.scale, width / Denoiser.scale]

        var prompts = [try Self.embedding("prompt", prompt, configuration)]
        if guidanceScale != nil {
            guard let negative else {
                throw .argument("negative is NULL, expected an embedding because guidance_scale is above 1")
            }
            prompts.insert(try Self.embedding("negative", negative, configuration), at: 0)
        }
        var projected: [PixArtTransformer.Prompt] = []
        for prompt in prompts { projected.append(try denoiser.transformer.prompt(prompt, denoiser.pool)) }
        run = try denoiser.transformer.run(
            prompts: projected, items: images * prompts.count, latentHeight: shape[2], latentWidth: shape[3],
            size: (height, width), denoiser.pool)
        let plan = SchedulerPlan(
            steps: options.integer("num_inference_steps") ?? 1, timesteps: options.integers("timesteps"),
            sigmas: options.numbers("sigmas"), eta: options.number("eta") ?? 0)
        scheduler = try denoiser.scheduler(options).start(plan)
        let result = options.string("result")
        endsAtOriginal = result == "original" || result == "auto" && plan.steps == 1
        unusedNoise = try Self.noise(shape, options)
        noise = unusedNoise
        let initial = scheduler.initialNoiseSigma
        current = noise.normal(shape.reduce(1, *)).map { $0 * initial }
        guard !scheduler.wantsVariance || configuration.outChannels > configuration.inChannels else {
            throw .option(
                "option \"scheduler\": \"variance_type\" is \"learned_range\", expected a fixed one: the transformer has "
                    + "no channels for it")
        }
    }

    package var steps: Int { scheduler.timesteps.count }

    /// What the transformer is told of the noise in each step.
    package var timesteps: [Float] { scheduler.timesteps }

    /// The latents as they are now, float32 [B, C, Y, X].
    package func latents() throws(PixArtError) -> Tensor { try Tensor(shape: shape, elements: current) }

    /// Starts from these latents instead of noise drawn from a seed: float32 [B, C, Y, X]. Only before the first step.
    package func setLatents(_ latents: Tensor) throws(PixArtError) {
        guard stepIndex == 0 else {
            throw .state("latents can be set before the first step only; \(stepIndex) of \(steps) are done")
        }
        guard latents.element == .float32, latents.shape == shape else {
            throw .argument("latents are \(latents.description), expected float32 \(shape)")
        }
        let initial = scheduler.initialNoiseSigma
        current = latents.floats.map { $0 * initial }
        // What was drawn for the latents that these replace is drawn for the steps, as in diffusers.
        noise = unusedNoise
    }

    /// Runs one step. When `progress` returns false it fails with `.cancelled` and leaves the run as it was.
    package func step(progress: Denoiser.Progress?) throws(PixArtError) {
        guard stepIndex < steps else { throw .state("the run is finished: all \(steps) steps are done") }
        let blocks = denoiser.transformer.configuration.layers
        var done = 0
        func report(_ step: Int, _ share: Double) throws(PixArtError) {
            guard progress?(step, steps, (Double(stepIndex) + share) / Double(steps)) ?? true else {
                throw .cancelled
            }
        }
        let scaled = scheduler.modelInput(current)
        let input = guidanceScale == nil ? scaled : scaled + scaled
        let output = try denoiser.transformer(
            input, timestep: scheduler.timesteps[stepIndex], run, denoiser.pool
        ) { () throws(PixArtError) in
            done += 1
            try report(stepIndex, Double(done) / Double(blocks))
        }
        var (nextScheduler, nextNoise) = (scheduler, noise)
        let channels = denoiser.transformer.configuration
        let next = nextScheduler.step(
            output: prediction(from: output, 0..<channels.inChannels),
            variance: scheduler.wantsVariance
                ? prediction(from: output, channels.inChannels..<channels.outChannels) : nil,
            sample: current, noise: &nextNoise)
        try report(stepIndex + 1, 1)
        (scheduler, noise) = (nextScheduler, nextNoise)
        current = endsAtOriginal && stepIndex == steps - 1 ? next.original : next.sample
        stepIndex += 1
    }

    /// Applies guidance to some channels of the transformer's output [N, outChannels, Y, X]: [B, channels, Y, X].
    private func prediction(from output: [Float], _ channels: Range<Int>) -> [Float] {
        let plane = shape[2] * shape[3]
        let all = denoiser.transformer.configuration.outChannels * plane
        var result: [Float] = []
        result.reserveCapacity(shape[0] * channels.count * plane)
        for image in 0..<shape[0] {
            let first = image * all + channels.lowerBound * plane..<image * all + channels.upperBound * plane
            guard let scale = guidanceScale else {
                result += output[first]
                continue
            }
            let conditional = output[first.lowerBound + shape[0] * all..<first.upperBound + shape[0] * all]
            result += zip(output[first], conditional).map { $0 + scale * ($1 - $0) }
        }
        return result
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

    private static func embedding(
        _ name: String, _ tensor: Tensor, _ configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) -> Matrix {
        guard tensor.element == .float32, tensor.shape.count == 2, tensor.shape[0] > 0,
            tensor.shape[1] == configuration.captionChannels
        else {
            throw .argument(
                "\(name) is \(tensor.description), expected float32 [S, \(configuration.captionChannels)] with S >= 1")
        }
        return try Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.floats)
    }

    /// The noise of a single seed for the whole batch, or of a seed for each image.
    private static func noise(_ shape: [Int], _ options: Options) throws(PixArtError) -> NoiseSource {
        let seeds = options.seeds("seed")
        guard options.isArray("seed") else { return NoiseSource(seed: seeds[0], images: shape[0]) }
        guard seeds.count == shape[0] else {
            throw .option(
                "option \"seed\" has \(seeds.count) seeds, expected one for each of the \(shape[0]) images")
        }
        return NoiseSource(seeds: seeds)
    }
}
