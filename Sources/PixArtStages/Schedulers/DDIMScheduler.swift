import PixArtCompute

/// Denoising diffusion implicit models: straight towards the predicted picture, with noise added where `eta` asks for
/// it.
///
/// This implementation matches: diffusers' `DDIMScheduler` as a pipeline calls it.
/// Limitations: none of `step`'s further arguments.
package struct DDIMScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DDIMScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise() + [
                SchedulerField.prediction(), SchedulerField.zeroSNR,
                .init(
                    "set_alpha_to_one", .boolean, default: .bool(true),
                    "End without noise, and not at that of the first training timestep."),
            ] + SchedulerField.clipping(true) + SchedulerField.thresholding + SchedulerField.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let clipping: Clipping
        let finalProduct: Float
        let spacing: TimestepSpacing
        let offset: Int

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = settings.choice("prediction_type")
            clipping = Clipping(settings, clips: true)
            finalProduct = settings.boolean("set_alpha_to_one") ? 1 : noise.alphasCumulative[0]
            spacing = settings.choice("timestep_spacing")
            offset = settings.integer("steps_offset")
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            let timesteps = try noise.timesteps(spacing, plan.steps, offset: offset)
            return DDIMScheduler(configuration: self, times: timesteps, steps: plan.steps, eta: Float(plan.eta))
        }
    }

    private let configuration: Configuration
    private let times: [Int]
    private let steps: Int
    private let eta: Float
    private var index = 0

    private init(configuration: Configuration, times: [Int], steps: Int, eta: Float) {
        self.configuration = configuration
        self.times = times
        self.steps = steps
        self.eta = eta
    }

    package var timesteps: [Float] { times.map { Float($0) } }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let schedule = configuration.noise
        let before = times[index] - schedule.count / steps
        let product = schedule.product(times[index])
        let next = before >= 0 ? schedule.alphasCumulative[before] : configuration.finalProduct
        let level = NoiseLevel(product: product)
        let original = configuration.clipping(
            configuration.prediction.original(output, sample, level), images: noise.images)
        let epsilon = configuration.prediction.epsilon(output, sample, level)

        let variance = (1 - next) / (1 - product) * (1 - product / next)
        let deviation = eta * variance.squareRoot()
        let direction = (1 - next - deviation * deviation).squareRoot()
        var latents = combination((next.squareRoot(), original), (direction, epsilon))
        if eta > 0 { latents = combination((1, latents), (deviation, noise.normal(sample.count))) }
        index += 1
        return SchedulerStep(sample: latents, original: original)
    }
}

extension NoiseSchedule {
    /// The product of a timestep; those below 0 count from the end, as in Python.
    func product(_ timestep: Int) -> Float { alphasCumulative[timestep < 0 ? timestep + count : timestep] }

    /// Whole timesteps of a run. Fails where an offset leads beyond the last one.
    func timesteps(
        _ spacing: TimestepSpacing, _ steps: Int, offset: Int
    ) throws(PixArtError) -> [Int] {
        let timesteps = spacing.timesteps(steps: steps, training: count, offset: offset)
        guard timesteps.allSatisfy({ $0 < count }) else {
            throw .option(
                "option \"scheduler\": \"steps_offset\" is \(offset), which leads to timestep \(timesteps[0]); expected less "
                    + "than \(count) with \(steps) steps")
        }
        return timesteps
    }
}
