import PixArtFormats
import PixArtStorage

/// Latent consistency models: each step predicts the image, and all but the last add noise again.
///
/// This implementation matches diffusers' `LCMScheduler` as a pipeline calls it, with custom `timesteps`. The
/// predicted image is the one after the boundary condition. Limitations: no `strength`; no warning for custom
/// timesteps that the model was not distilled for.
package struct LCMScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "LCMScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise(start: 0.00085, end: 0.012, .scaledLinear) + [
                SchedulerFields.prediction(), SchedulerFields.zeroSNR, DistilledTimesteps.field,
                .init(
                    "timestep_scaling", .number(1e-6...1e6), default: .number(10),
                    "Factor that timesteps are multiplied by in the boundary condition."),
            ] + SchedulerFields.clipping(false) + SchedulerFields.thresholding

        let noise: NoiseSchedule
        let prediction: Prediction
        let clipping: SampleClipping
        let scaling: Float
        let times: DistilledTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = try settings.choice("prediction_type")
            clipping = try SampleClipping(settings, clips: true)
            scaling = try Float(settings.number("timestep_scaling"))
            times = try DistilledTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            LCMScheduler(configuration: self, times: try times(plan))
        }
    }

    /// The standard deviation of images that the boundary condition assumes.
    private static let dataSigma: Float = 0.5

    private let configuration: Configuration
    let times: [Int]
    var index = 0

    var schedule: NoiseSchedule { configuration.noise }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let level = schedule.level(times[index])
        let predicted = configuration.clipping(
            configuration.prediction.original(output, sample, level), images: noise.images)
        let scaled = Float(times[index]) * configuration.scaling
        let square = scaled * scaled + Self.dataSigma * Self.dataSigma
        let denoised = linearCombination(
            (scaled / square.squareRoot(), predicted), (Self.dataSigma * Self.dataSigma / square, sample))
        index += 1
        guard index < times.count else { return SchedulerStep(sample: denoised, predictedOriginal: denoised) }
        let next = schedule.level(times[index]).addingNoise(noise.normal(sample.count), to: denoised)
        return SchedulerStep(sample: next, predictedOriginal: denoised)
    }
}
