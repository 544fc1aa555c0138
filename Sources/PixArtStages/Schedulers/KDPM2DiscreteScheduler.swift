import PixArtCompute

/// DPM2 of Karras et al.: each step but the last looks again half way.
///
/// This implementation matches: diffusers' `KDPM2DiscreteScheduler`.
/// Limitations: no prediction of samples, as there.
package struct KDPM2DiscreteScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "KDPM2DiscreteScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise(start: 0.00085, end: 0.012) + [SchedulerField.prediction([.epsilon, .velocity])]
            + SchedulerField.sigmaSpacings + SchedulerField.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let times: EulerTimes

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = settings.choice("prediction_type")
            times = try EulerTimes(settings, noise, roundsKarras: true)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            let (timesteps, levels) = try times(plan)
            let steps = zip(levels, levels.dropFirst() + [0]).map { from, to in
                KDPM2Step(from: from, between: to > 0 ? KDPM2Run.between(to, from) : 0, to: to, noise: 0)
            }
            return KDPM2DiscreteScheduler(
                timesteps: times.interleaved(timesteps, steps), initialNoiseSigma: times.initialSigma(levels),
                run: KDPM2Run(prediction: prediction, steps: steps))
        }
    }

    package let timesteps: [Float]
    package let initialNoiseSigma: Float
    private var run: KDPM2Run

    private init(timesteps: [Float], initialNoiseSigma: Float, run: KDPM2Run) {
        self.timesteps = timesteps
        self.initialNoiseSigma = initialNoiseSigma
        self.run = run
    }

    package func modelInput(_ sample: [Float]) -> [Float] { scaled(sample, run.sigma) }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        run.step(output: output, sample: sample, noise: &noise, adds: false)
    }
}
