import PixArtFormats
import PixArtStorage

/// What both DPM2 schedulers are set to.
struct KDPM2Settings: Sendable {
    static let fields: [OptionSchema.Property] =
        SchedulerField.noise(start: 0.00085, end: 0.012) + [SchedulerField.prediction([.epsilon, .velocity])]
        + SchedulerField.sigmaSpacings + SchedulerField.spacing(.linspace)

    let noise: NoiseSchedule
    private let prediction: Prediction
    private let times: EulerTimes

    init(_ settings: SchedulerSettings) throws(PixArtError) {
        noise = try NoiseSchedule(settings)
        prediction = settings.choice("prediction_type")
        times = try EulerTimes(settings, noise, roundsKarras: true)
    }

    /// A run whose steps are made of the levels that they lie between; the last one ends at 0.
    func run(
        _ plan: SchedulerPlan, isAncestral: Bool, step: (_ from: Float, _ to: Float) -> KDPM2Step
    ) throws(PixArtError) -> KDPM2Run {
        let (timesteps, levels) = try times(plan)
        return KDPM2Run(
            prediction: prediction, timesteps: timesteps, initialNoiseSigma: times.initialSigma(levels),
            steps: zip(levels, levels.dropFirst() + [0]).map { step($0, $1) }, isAncestral: isAncestral,
            trained: times.trained)
    }
}
