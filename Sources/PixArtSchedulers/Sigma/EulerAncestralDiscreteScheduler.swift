import PixArtFormats
import PixArtStorage

/// Euler's method on the noise level. Each step goes below the next level and adds noise to reach it.
///
/// This implementation matches diffusers' `EulerAncestralDiscreteScheduler`. Limitations: no prediction of samples, as
/// in diffusers.
package struct EulerAncestralDiscreteScheduler: SigmaScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "EulerAncestralDiscreteScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [SchedulerFields.prediction([.epsilon, .velocity]), SchedulerFields.zeroSNR]
            + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let times: SigmaTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true, floor: true)
            prediction = try settings.choice("prediction_type")
            times = try SigmaTimesteps(settings, noise, hasSigmaSpacings: false)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return EulerAncestralDiscreteScheduler(configuration: self, timesteps: timesteps, sigmas: sigmas + [0])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0

    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let original = configuration.prediction.original(output, sample, sigma: sigma)
        let step = AncestralStep(from: sigma, to: sigmas[index + 1])
        let followed = eulerStep(from: sample, original, to: step.down)
        index += 1
        return SchedulerStep(
            sample: linearCombination((1, followed), (step.up, noise.normal(sample.count))), predictedOriginal: original
        )
    }
}
