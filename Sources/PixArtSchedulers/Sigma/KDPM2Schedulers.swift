import PixArtFormats
import PixArtStorage

/// DPM2 of Karras et al.: each step but the last looks again half way.
///
/// This implementation matches: diffusers' `KDPM2DiscreteScheduler`.
/// Limitations: no prediction of samples, as there.
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

/// DPM2 of Karras et al. that goes too far in each step and adds noise up to the next level.
///
/// This implementation matches: diffusers' `KDPM2AncestralDiscreteScheduler`.
/// Limitations: no prediction of samples, as there. Where rounding leaves nothing of the level to go down to, diffusers
/// computes what is not a number, and this goes on.
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

/// What a DPM2 scheduler is set to; they differ in the steps that they make of noise levels.
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

/// What both DPM2 schedulers are set to.
struct KDPM2Settings: Sendable {
    static let fields: [OptionSchema.Property] =
        SchedulerFields.noise(start: 0.00085, end: 0.012) + [SchedulerFields.prediction([.epsilon, .velocity])]
        + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

    let noise: NoiseSchedule
    private let prediction: Prediction
    private let times: SigmaTimesteps

    init(_ settings: SchedulerOptions) throws(PixArtError) {
        noise = try NoiseSchedule(settings)
        prediction = settings.choice("prediction_type")
        times = try SigmaTimesteps(settings, noise, roundsKarras: true)
    }

    /// A run whose steps are made of the levels that they lie between; the last one ends at 0.
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

/// One step of DPM2: where it starts, the level between at which it looks again, where it ends, and the noise added
/// then.
struct KDPM2Step: Sendable {
    let from: Float
    let between: Float
    let to: Float
    let noise: Float

    /// The mean of two levels by their logarithms, as `torch.lerp` takes it.
    static func mean(_ first: Float, _ second: Float) -> Float {
        let (start, end) = (Float.log(first), Float.log(second))
        return .exp(end - (end - start) * 0.5)
    }
}

/// A run of DPM2: each step goes to a level between, and from its start again by the direction found there.
struct KDPM2Run: SigmaScheduler {
    let prediction: Prediction
    let timesteps: [Float]
    let initialNoiseSigma: Float
    let steps: [KDPM2Step]
    /// Whether steps draw noise.
    let isAncestral: Bool
    var index = 0
    /// Where the step under way came from.
    private var start: [Float]?

    /// `timesteps` are those that the steps start from.
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
            // The last step ends without noise, and so does its first half.
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
