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
    func noised(_ original: [Float], by noise: [Float], at index: Int) -> [Float]
    /// What the transformer is to see in the next step instead of the latents themselves.
    func modelInput(_ sample: [Float]) -> [Float]
    /// Advances from `sample` by the transformer's `output`, both of the same size; called once for each timestep.
    /// `noise` is drawn from in diffusers' order.
    mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep
    /// The same with the output's second half of channels, where the transformer has one.
    mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseSource
    ) -> SchedulerStep
}

extension Scheduler {
    package var order: Int { 1 }
    package var initialNoiseSigma: Float { 1 }
    package var wantsVariance: Bool { false }
    package func modelInput(_ sample: [Float]) -> [Float] { sample }
    package mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseSource
    ) -> SchedulerStep { step(output: output, sample: sample, noise: &noise) }
}

/// What a step results in.
package struct SchedulerStep: Sendable {
    /// The latents of the next step.
    package let sample: [Float]
    /// The estimate of the noiseless latents that this step's prediction amounts to.
    package let original: [Float]
}
