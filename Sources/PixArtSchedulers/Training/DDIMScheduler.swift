import PixArtFormats
import PixArtStorage

/// Denoising diffusion implicit models: each step goes straight towards the predicted image. `eta` adds noise.
///
/// This implementation matches diffusers' `DDIMScheduler` as a pipeline calls it. Limitations: none of `step`'s
/// further arguments.
package struct DDIMScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DDIMScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.prediction(), SchedulerFields.zeroSNR,
                .init(
                    "set_alpha_to_one", .boolean, default: .bool(true),
                    "true: the last step ends at noise level 0. false: it ends at that of the first training timestep."),
            ] + SchedulerFields.clipping(true) + SchedulerFields.thresholding + SchedulerFields.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let clipping: SampleClipping
        let finalAlphaCumulative: Float
        let times: IntegerTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = try settings.choice("prediction_type")
            clipping = try SampleClipping(settings, clips: true)
            finalAlphaCumulative = try settings.boolean("set_alpha_to_one") ? 1 : noise.alphasCumulative[0]
            times = try IntegerTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            DDIMScheduler(configuration: self, times: try times(plan), steps: plan.steps, eta: Float(plan.eta))
        }
    }

    private let configuration: Configuration
    let times: [Int]
    private let steps: Int
    private let eta: Float
    var index = 0

    var schedule: NoiseSchedule { configuration.noise }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let before = times[index] - schedule.count / steps
        let alphaCumulative = schedule.alphaCumulative(times[index])
        let next = before >= 0 ? schedule.alphaCumulative(before) : configuration.finalAlphaCumulative
        let level = NoiseLevel(alphaCumulative: alphaCumulative)
        let original = configuration.clipping(
            configuration.prediction.original(output, sample, level), images: noise.images)
        let epsilon = configuration.prediction.epsilon(output, sample, level)

        let variance = (1 - next) / (1 - alphaCumulative) * (1 - alphaCumulative / next)
        let deviation = eta * variance.squareRoot()
        let direction = (1 - next - deviation * deviation).squareRoot()
        var latents = linearCombination((next.squareRoot(), original), (direction, epsilon))
        if eta > 0 { latents = linearCombination((1, latents), (deviation, noise.normal(sample.count))) }
        index += 1
        return SchedulerStep(sample: latents, predictedOriginal: original)
    }
}
