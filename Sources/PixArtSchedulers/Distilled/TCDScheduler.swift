import PixArtFormats
import PixArtStorage

/// Trajectory consistency distillation: each step goes towards the image, as far as `eta` says, and adds noise.
///
/// This implementation matches diffusers' `TCDScheduler` as PixArt's pipeline calls it, which passes `eta` (0 by
/// default), with custom `timesteps`. The predicted image is what diffusers calls the predicted noised sample.
/// Limitations: no `strength`; clipping and thresholding have no effect, as in diffusers.
package struct TCDScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "TCDScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise(start: 0.00085, end: 0.012, .scaledLinear) + [
                SchedulerFields.prediction(), SchedulerFields.zeroSNR, DistilledTimesteps.field,
            ]

        let noise: NoiseSchedule
        let prediction: Prediction
        let times: DistilledTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true)
            prediction = try settings.choice("prediction_type")
            times = try DistilledTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            TCDScheduler(configuration: self, times: try times(plan), eta: plan.eta)
        }
    }

    private let configuration: Configuration
    let times: [Int]
    private let eta: Double
    var index = 0

    var schedule: NoiseSchedule { configuration.noise }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let level = schedule.level(times[index])
        let original = configuration.prediction.original(output, sample, level)
        let epsilon = configuration.prediction.epsilon(output, sample, level)
        index += 1
        let next = index < times.count ? times[index] : 0
        let goal = Int((Float(1 - eta) * Float(next)).rounded(.down))
        let noisy = schedule.level(goal).addingNoise(epsilon, to: original)
        guard eta > 0, index < times.count else { return SchedulerStep(sample: noisy, predictedOriginal: noisy) }
        let ratio = schedule.alphaCumulative(next) / schedule.alphaCumulative(goal)
        return SchedulerStep(
            sample: linearCombination(
                (ratio.squareRoot(), noisy), ((1 - ratio).squareRoot(), noise.normal(sample.count))),
            predictedOriginal: noisy)
    }
}
