/// Turns the transformer's predictions into less noisy latents, step by step. A value holds the state of one run.
package protocol Scheduler: Sendable {
    /// The timestep of each prediction, falling. Second-order schedulers have two for most steps.
    var timesteps: [Float] { get }
    /// Predictions per step: diffusers' `order`.
    var order: Int { get }
    /// The standard deviation of the initial noise.
    var initialNoiseSigma: Float { get }
    /// Whether `step` needs the output's further channels, which some models use for the variance.
    var wantsVariance: Bool { get }
    /// Skips the timesteps before `timesteps[index]`, a multiple of `order`. Image-to-image starts there. Call
    /// before the first step; `timesteps` stay unchanged. This is diffusers' `set_begin_index`.
    mutating func begin(at index: Int)
    /// Noiseless latents with the noise of `timesteps[index]` added: diffusers' `add_noise`.
    func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float]
    /// The transformer's input in the next step.
    func modelInput(_ sample: [Float]) -> [Float]
    /// Advances from `sample` by the transformer's `output`, both of the same size. Called once for each timestep.
    /// Draws from `noise` in diffusers' order.
    mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep
    /// The same with the second half of the output's channels, if the transformer has them.
    mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseGenerator
    ) -> SchedulerStep
}

extension Scheduler {
    package var order: Int { 1 }
    package var initialNoiseSigma: Float { 1 }
    package var wantsVariance: Bool { false }
    package func modelInput(_ sample: [Float]) -> [Float] { sample }
    package mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseGenerator
    ) -> SchedulerStep { step(output: output, sample: sample, noise: &noise) }
}

/// The result of a step.
package struct SchedulerStep: Sendable {
    /// The latents of the next step.
    package let sample: [Float]
    /// The noiseless latents that this step's prediction amounts to.
    package let predictedOriginal: [Float]
}

/// A scheduler that counts its steps.
protocol IndexedScheduler: Scheduler {
    /// The next step.
    var index: Int { get set }
}

extension IndexedScheduler {
    package mutating func begin(at index: Int) { self.index = index / order }
}

/// A scheduler between training timesteps. Latents are image and noise, weighted by the cumulative product of alphas
/// at the timestep. diffusers' DDIM, DDPM, PNDM and the schedulers of distilled models.
protocol TimestepScheduler: IndexedScheduler {
    var schedule: NoiseSchedule { get }
    /// The run's timesteps, falling.
    var times: [Int] { get }
}

extension TimestepScheduler {
    package var timesteps: [Float] { times.map { Float($0) } }

    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        schedule.level(times[index]).addingNoise(noise, to: original)
    }
}

/// A scheduler whose latents are the image plus `sigma` times noise: Euler and similar ones.
protocol SigmaScheduler: IndexedScheduler {
    /// The noise level at the start of each step, and optionally at the end of the last one.
    var sigmas: [Float] { get }
    /// The current noise level.
    var sigma: Float { get }
}

extension SigmaScheduler {
    var sigma: Float { sigmas[index] }

    /// Between the two timesteps of a second-order step, diffusers uses the level of the next step.
    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        linearCombination((1, original), (sigmas[(index + order - 1) / order], noise))
    }

    /// Latents with the same standard deviation at every noise level.
    package func modelInput(_ sample: [Float]) -> [Float] {
        let spread = (sigma * sigma + 1).squareRoot()
        return sample.map { $0 / spread }
    }

    /// Follows the direction from the predicted image to the latents, to the noise level `target`.
    func eulerStep(from sample: [Float], _ original: [Float], to target: Float) -> [Float] {
        let (sigma, distance) = (sigma, target - sigma)
        return zip(sample, original).map { $0 + ($0 - $1) / sigma * distance }
    }
}

/// A scheduler over the log of the signal-to-noise ratio: DPM-Solver, DEIS, UniPC and SA.
protocol SolverScheduler: IndexedScheduler {
    /// The noise relative to the image: at each timestep, and at the end of the last step.
    var sigmas: [Float] { get }
}

extension SolverScheduler {
    func level(_ index: Int) -> NoiseLevel { NoiseLevel(sigmas[index]) }

    /// Half the log of the signal-to-noise ratio.
    func lambda(_ index: Int) -> Float { level(index).lambda }

    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        level(index).addingNoise(noise, to: original)
    }
}
