import PixArtFormats
import PixArtStorage

/// Latent consistency models: each step predicts the picture, and all but the last add noise again.
///
/// This implementation matches: diffusers' `LCMScheduler` as a pipeline calls it, with `timesteps` of one's own. The
/// estimate of the picture is the one after the boundary condition.
/// Limitations: no `strength`; custom timesteps that a model was not distilled for give no warning.
package struct LCMScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "LCMScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise(start: 0.00085, end: 0.012, .scaledLinear) + [
                SchedulerField.prediction(), SchedulerField.zeroSNR, DistilledTimes.field,
                .init(
                    "timestep_scaling", .number(1e-6...1e6), default: .number(10),
                    "Factor of timesteps in the boundary condition."),
            ] + SchedulerField.clipping(false) + SchedulerField.thresholding

        let noise: NoiseSchedule
        let prediction: Prediction
        let clipping: Clipping
        let scaling: Float
        let times: DistilledTimes

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = settings.choice("prediction_type")
            clipping = Clipping(settings, clips: true)
            scaling = Float(settings.number("timestep_scaling"))
            times = try DistilledTimes(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            LCMScheduler(configuration: self, times: try times(plan))
        }
    }

    /// The spread of pictures that the boundary condition assumes.
    private static let dataSigma: Float = 0.5

    private let configuration: Configuration
    let times: [Int]
    var index = 0

    var schedule: NoiseSchedule { configuration.noise }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let level = schedule.level(times[index])
        let predicted = configuration.clipping(
            configuration.prediction.original(output, sample, level), images: noise.images)
        let scaled = Float(times[index]) * configuration.scaling
        let square = scaled * scaled + Self.dataSigma * Self.dataSigma
        let denoised = combination(
            (scaled / square.squareRoot(), predicted), (Self.dataSigma * Self.dataSigma / square, sample))
        index += 1
        guard index < times.count else { return SchedulerStep(sample: denoised, original: denoised) }
        let next = schedule.level(times[index]).noised(denoised, by: noise.normal(sample.count))
        return SchedulerStep(sample: next, original: denoised)
    }
}
