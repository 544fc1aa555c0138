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

    mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let (step, sigma) = (steps[index], sigma)
        let original = prediction.original(output, sample, sigma: sigma)
        guard let from = start else {
            let next = followed(sample, original, to: step.between)
            // The last step ends without noise, and so does its first half.
            if index < steps.count - 1 { start = sample } else { index += 1 }
            return SchedulerStep(sample: next, original: original)
        }
        var next = from.indices.map {
            from[$0] + (sample[$0] - original[$0]) / sigma * (step.to - step.from)
        }
        if isAncestral { next = combination((1, next), (step.noise, noise.normal(next.count))) }
        start = nil
        index += 1
        return SchedulerStep(sample: next, original: original)
    }
}
