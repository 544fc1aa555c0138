import Glibc

/// One step of DPM2: where it starts, the level between at which it looks again, where it ends, and the noise added
/// then.
struct KDPM2Step: Sendable {
    let from: Float
    let between: Float
    let to: Float
    let noise: Float
}

/// The two halves of DPM2's steps: to the level between, and from the start again by the direction found there.
struct KDPM2Run: Sendable {
    let prediction: Prediction
    let steps: [KDPM2Step]
    private var index = 0
    /// Where the step under way came from.
    private var start: [Float]?

    init(prediction: Prediction, steps: [KDPM2Step]) {
        self.prediction = prediction
        self.steps = steps
    }

    /// The noise level that the latents are at.
    var sigma: Float { start == nil ? steps[index].from : steps[index].between }

    mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource, adds: Bool) -> SchedulerStep {
        let (step, sigma) = (steps[index], sigma)
        let original = prediction.original(output, sample, sigma: sigma)
        guard let from = start else {
            // The last step ends without noise, and so does its first half.
            if index < steps.count - 1 { start = sample } else { index += 1 }
            return SchedulerStep(
                sample: followed(sample, original, sigma, distance: step.between - step.from), original: original)
        }
        var next = from.indices.map {
            from[$0] + (sample[$0] - original[$0]) / sigma * (step.to - step.from)
        }
        if adds { next = combination((1, next), (step.noise, noise.normal(next.count))) }
        start = nil
        index += 1
        return SchedulerStep(sample: next, original: original)
    }

    /// The mean of two levels by their logarithms, as `torch.lerp` takes it.
    static func between(_ first: Float, _ second: Float) -> Float {
        let (start, end) = (logf(first), logf(second))
        return expf(end - (end - start) * 0.5)
    }
}

extension EulerTimes {
    /// Timesteps of a run with those of the levels between.
    func interleaved(_ timesteps: [Float], _ steps: [KDPM2Step]) -> [Float] {
        Array(timesteps.prefix(1))
            + zip(steps, timesteps.dropFirst()).flatMap { [Float(trained.timestep(of: Double($0.between))), $1] }
    }
}
