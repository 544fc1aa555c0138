import PixArtFormats
import PixArtStorage

/// Denoising diffusion probabilistic models: every step but the last adds noise. DMD's single step is this scheduler
/// with `timesteps` [400].
///
/// This implementation matches diffusers' `DDPMScheduler`, with custom `timesteps`. The variance "learned_range" comes
/// from the transformer's further channels, as in `step` of the full output. Limitations: no "learned" and
/// "fixed_large_log", whose square roots of negative numbers diffusers does not prevent. "learned_range" is an error
/// for transformers without further channels.
package struct DDPMScheduler: TimestepScheduler {
    package enum Variance: String, CaseIterable, Sendable {
        case small = "fixed_small"
        case smallLogarithmic = "fixed_small_log"
        case large = "fixed_large"
        case learnedRange = "learned_range"
    }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "DDPMScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise(further: [.sigmoid, .laplace]) + [
                SchedulerFields.prediction(), SchedulerFields.zeroSNR,
                SchedulerFields.choice(
                    "variance_type", Variance.small,
                    "Variance of the noise that a step adds: the smallest, the largest, or what the model predicts."),
            ] + SchedulerFields.clipping(true) + SchedulerFields.thresholding + SchedulerFields.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let variance: Variance
        let clipping: SampleClipping
        let times: IntegerTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = try settings.choice("prediction_type")
            variance = try settings.choice("variance_type")
            clipping = try SampleClipping(settings, clips: true)
            times = try IntegerTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            DDPMScheduler(configuration: self, times: try times(plan))
        }
    }

    private let configuration: Configuration
    let times: [Int]
    var index = 0

    var schedule: NoiseSchedule { configuration.noise }
    package var wantsVariance: Bool { configuration.variance == .learnedRange }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        step(output: output, variance: nil, sample: sample, noise: &noise)
    }

    package mutating func step(
        output: [Float], variance predicted: [Float]?, sample: [Float], noise: inout NoiseGenerator
    ) -> SchedulerStep {
        let timestep = times[index]
        let alphaCumulative = schedule.alphaCumulative(timestep)
        let next = index + 1 < times.count && times[index + 1] >= 0 ? schedule.alphaCumulative(times[index + 1]) : 1
        let alpha = alphaCumulative / next
        let beta = 1 - alpha
        let original = configuration.clipping(
            configuration.prediction.original(output, sample, NoiseLevel(alphaCumulative: alphaCumulative)),
            images: noise.images)
        var latents = linearCombination(
            (next.squareRoot() * beta / (1 - alphaCumulative), original),
            (alpha.squareRoot() * (1 - next) / (1 - alphaCumulative), sample))
        if timestep > 0 {
            let least = max((1 - next) / (1 - alphaCumulative) * beta, 1e-20)
            let fresh = noise.normal(sample.count)
            switch configuration.variance {
            case .small: latents = linearCombination((1, latents), (least.squareRoot(), fresh))
            case .smallLogarithmic: latents = linearCombination((1, latents), (.exp(0.5 * .log(least)), fresh))
            case .large: latents = linearCombination((1, latents), (beta.squareRoot(), fresh))
            case .learnedRange:
                let (low, high) = (Float.log(least), Float.log(beta))
                for place in latents.indices {
                    let share = ((predicted?[place] ?? -1) + 1) / 2
                    latents[place] += .exp(0.5 * (share * high + (1 - share) * low)) * fresh[place]
                }
            }
        }
        index += 1
        return SchedulerStep(sample: latents, predictedOriginal: original)
    }
}
