import PixArtCompute

/// Euler's method on the noise level, going too far in each step and adding noise up to the next level.
///
/// This implementation matches: diffusers' `EulerAncestralDiscreteScheduler`.
/// Limitations: no prediction of samples, as there.
package struct EulerAncestralDiscreteScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "EulerAncestralDiscreteScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise() + [SchedulerField.prediction([.epsilon, .velocity]), SchedulerField.zeroSNR]
            + SchedulerField.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let times: EulerTimes

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true, floor: true)
            prediction = settings.choice("prediction_type")
            times = try EulerTimes(settings, noise, hasSigmaSpacings: false)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return EulerAncestralDiscreteScheduler(configuration: self, timesteps: timesteps, sigmas: sigmas + [0])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    private let sigmas: [Float]
    private var index = 0

    private init(configuration: Configuration, timesteps: [Float], sigmas: [Float]) {
        self.configuration = configuration
        self.timesteps = timesteps
        self.sigmas = sigmas
    }

    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    package func modelInput(_ sample: [Float]) -> [Float] { scaled(sample, sigmas[index]) }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let sigma = sigmas[index]
        let original = configuration.prediction.original(output, sample, sigma: sigma)
        let (down, up) = ancestralStep(from: sigma, to: sigmas[index + 1])
        let followed = followed(sample, original, sigma, distance: down - sigma)
        index += 1
        return SchedulerStep(
            sample: combination((1, followed), (up, noise.normal(sample.count))), original: original)
    }
}

/// The noise level to go down to, and the noise to add for the level that is aimed at.
func ancestralStep(from: Float, to: Float) -> (down: Float, up: Float) {
    let (fromSquare, toSquare) = (from * from, to * to)
    let up = (toSquare * (fromSquare - toSquare) / fromSquare).squareRoot()
    // At very high levels rounding can leave nothing of the difference, where diffusers' root is not a number.
    let rest = toSquare - up * up
    return (rest > 0 ? rest.squareRoot() : toSquare / from, up)
}
