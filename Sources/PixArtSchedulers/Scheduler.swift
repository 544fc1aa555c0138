/// A rule that turns the transformer's predictions into less noisy latents, step by step. A value holds one run.
package protocol Scheduler: Sendable {
    /// The timestep that the transformer sees in each step, falling. Schedulers of second order have two for most
    /// steps.
    var timesteps: [Float] { get }
    /// Predictions that a step takes: diffusers' `order`.
    var order: Int { get }
    /// The standard deviation of the noise that a run starts from.
    var initialNoiseSigma: Float { get }
    /// Whether `step` wants the channels beyond those of the latents, from which some models' variance follows.
    var wantsVariance: Bool { get }
    /// Leaves out what comes before `timesteps[index]`, a multiple of `order`: image to image starts there. Before the
    /// first step only; `timesteps` stay as they are. This is diffusers' `set_begin_index`.
    mutating func begin(at index: Int)
    /// Noiseless latents with as much noise as those at `timesteps[index]` have: diffusers' `add_noise`.
    func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float]
    /// What the transformer is to see in the next step instead of the latents themselves.
    func modelInput(_ sample: [Float]) -> [Float]
    /// Advances from `sample` by the transformer's `output`, both of the same size; called once for each timestep.
    /// `noise` is drawn from in diffusers' order.
    mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep
    /// The same with the output's second half of channels, where the transformer has one.
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

/// What a step results in.
package struct SchedulerStep: Sendable {
    /// The latents of the next step.
    package let sample: [Float]
    /// The latents without noise that this step's prediction amounts to.
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

/// A scheduler that goes from one training timestep to another: latents are picture and noise, weighted by the product
/// of alphas at the timestep. diffusers' DDIM, DDPM, PNDM and the schedulers of distilled models.
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

/// A scheduler whose latents are the picture plus `sigma` times noise: Euler and its relatives.
protocol SigmaScheduler: IndexedScheduler {
    /// The noise level that each step starts from; there may be the one that the last step ends at, too.
    var sigmas: [Float] { get }
    /// The noise level that the latents are at.
    var sigma: Float { get }
}

extension SigmaScheduler {
    var sigma: Float { sigmas[index] }

    /// Between the two timesteps of a step of second order, diffusers has the level of the next step.
    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        linearCombination((1, original), (sigmas[(index + order - 1) / order], noise))
    }

    /// Latents of the same spread at every noise level.
    package func modelInput(_ sample: [Float]) -> [Float] {
        let spread = (sigma * sigma + 1).squareRoot()
        return sample.map { $0 / spread }
    }

    /// Follows the direction from the predicted picture to the latents, to the noise level `target`.
    func eulerStep(from sample: [Float], _ original: [Float], to target: Float) -> [Float] {
        let (sigma, distance) = (sigma, target - sigma)
        return zip(sample, original).map { $0 + ($0 - $1) / sigma * distance }
    }
}

/// A scheduler that follows the logarithm of signal over noise: DPM-Solver, DEIS, UniPC and SA.
protocol SolverScheduler: IndexedScheduler {
    /// Noise in units of the picture: at each timestep, and where the last step ends.
    var sigmas: [Float] { get }
}

extension SolverScheduler {
    func level(_ index: Int) -> NoiseLevel { NoiseLevel(sigmas[index]) }

    /// Half the logarithm of signal over noise.
    func lambda(_ index: Int) -> Float { level(index).lambda }

    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        level(index).addingNoise(noise, to: original)
    }
}
