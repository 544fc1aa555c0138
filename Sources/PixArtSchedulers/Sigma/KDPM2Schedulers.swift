import PixArtFormats
import PixArtStorage

/// DPM2 of Karras et al.: each step but the last predicts again at the midpoint.
///
/// This implementation matches diffusers' `KDPM2DiscreteScheduler`. Limitations: no prediction of samples, as in
/// diffusers.
package enum KDPM2DiscreteScheduler {
    package struct Configuration: KDPM2Configuration {
        package static let className = "KDPM2DiscreteScheduler"

        let settings: KDPM2Settings

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            try settings.run(plan, isAncestral: false) { from, to in
                KDPM2Step(from: from, between: to > 0 ? KDPM2Step.mean(to, from) : 0, to: to, noise: 0)
            }
        }
    }
}

/// DPM2 of Karras et al. with steps that go below the next level and add noise to reach it.
///
/// This implementation matches diffusers' `KDPM2AncestralDiscreteScheduler`. Limitations: no prediction of samples, as
/// in diffusers. If rounding leaves nothing of the level to go down to, diffusers computes NaN, and this scheduler
/// continues.
package enum KDPM2AncestralDiscreteScheduler {
    package struct Configuration: KDPM2Configuration {
        package static let className = "KDPM2AncestralDiscreteScheduler"

        let settings: KDPM2Settings

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            try settings.run(plan, isAncestral: true) { from, to in
                let step = AncestralStep(from: from, to: to)
                let down = step.down > 0 ? step.down : to * to / from
                return KDPM2Step(
                    from: from, between: to > 0 ? KDPM2Step.mean(from, down) : 0, to: down, noise: step.up)
            }
        }
    }
}

/// The settings of a DPM2 scheduler. The two differ in the steps that they derive from noise levels.
protocol KDPM2Configuration: SchedulerConfiguration {
    var settings: KDPM2Settings { get }
    init(settings: KDPM2Settings)
}

extension KDPM2Configuration {
    package static var fields: [OptionSchema.Property] { KDPM2Settings.fields }

    package init(_ settings: SchedulerOptions) throws(PixArtError) {
        self.init(settings: try KDPM2Settings(settings))
    }

    package var trainingTimesteps: Int { settings.noise.count }
}

/// The settings that both DPM2 schedulers have.
struct KDPM2Settings: Sendable {
    static let fields: [OptionSchema.Property] =
        SchedulerFields.noise(start: 0.00085, end: 0.012) + [SchedulerFields.prediction([.epsilon, .velocity])]
        + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

    let noise: NoiseSchedule
    private let prediction: Prediction
    private let times: SigmaTimesteps

    init(_ settings: SchedulerOptions) throws(PixArtError) {
        noise = try NoiseSchedule(settings)
        prediction = try settings.choice("prediction_type")
        times = try SigmaTimesteps(settings, noise, roundsKarras: true)
    }

    /// A run with steps between the given levels. The last step ends at 0.
    func run(
        _ plan: RunSchedule, isAncestral: Bool, step: (_ from: Float, _ to: Float) -> KDPM2Step
    ) throws(PixArtError) -> KDPM2Run {
        let (timesteps, levels) = try times(plan)
        return KDPM2Run(
            prediction: prediction, timesteps: timesteps, initialNoiseSigma: times.initialSigma(levels),
            steps: zip(levels, levels.dropFirst() + [0]).map { step($0, $1) }, isAncestral: isAncestral,
            trained: times.trained)
    }
}

/// One step of DPM2: its start, the intermediate level of the second prediction, its end, and the noise added there.
struct KDPM2Step: Sendable {
    let from: Float
    let between: Float
    let to: Float
    let noise: Float

    /// The mean of the logarithms of two levels, as `torch.lerp` computes it.
    static func mean(_ first: Float, _ second: Float) -> Float {
        let (start, end) = (Float.log(first), Float.log(second))
        return .exp(end - (end - start) * 0.5)
    }
}

/// A run of DPM2. Each step goes to an intermediate level, and again from its start in the direction found there.
struct KDPM2Run: SigmaScheduler {
    let prediction: Prediction
    let timesteps: [Float]
    let initialNoiseSigma: Float
    let steps: [KDPM2Step]
    /// Whether steps draw noise.
    let isAncestral: Bool
    var index = 0
    /// Start of the current step.
    private var start: [Float]?

    /// `timesteps` are the starts of the steps.
    init(
        prediction: Prediction, timesteps: [Float], initialNoiseSigma: Float, steps: [KDPM2Step], isAncestral: Bool,
        trained: TrainedSigmas
    ) {
        self.prediction = prediction
        self.timesteps =
            Array(timesteps.prefix(1))
            + zip(steps, timesteps.dropFirst()).flatMap { [Float(trained.timestep(of: $0.between)), $1] }
        self.initialNoiseSigma = initialNoiseSigma
        self.steps = steps
        self.isAncestral = isAncestral
    }

    var order: Int { 2 }
    var sigmas: [Float] { steps.map(\.from) }
    var sigma: Float { start == nil ? steps[index].from : steps[index].between }

    mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let (step, sigma) = (steps[index], sigma)
        let original = prediction.original(output, sample, sigma: sigma)
        guard let from = start else {
            let next = eulerStep(from: sample, original, to: step.between)
            // The last step and its first half add no noise.
            if index < steps.count - 1 { start = sample } else { index += 1 }
            return SchedulerStep(sample: next, predictedOriginal: original)
        }
        var next = from.indices.map {
            from[$0] + (sample[$0] - original[$0]) / sigma * (step.to - step.from)
        }
        if isAncestral { next = linearCombination((1, next), (step.noise, noise.normal(next.count))) }
        start = nil
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }
}
