import Glibc
import PixArtFormats
import PixArtStorage

/// Second-order DPM-Solver for the stochastic equation. Each step but the last predicts again at the midpoint of the
/// log noise level, and both halves add noise.
///
/// This implementation matches diffusers' `DPMSolverSDEScheduler`, with its noise from torchsde's Brownian tree.
/// Limitations: no prediction of samples, as in diffusers. Without `noise_sampler_seed` diffusers takes the tree's
/// seed from torch's global generator. Here it is drawn from the run's generator, before the first step, as
/// `torch.randint(0, 2**63 - 1, [], generator=generator)`.
package struct DPMSolverSDEScheduler: SigmaScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DPMSolverSDEScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise(start: 0.00085, end: 0.012) + [
                SchedulerFields.prediction([.epsilon, .velocity]),
                .init(
                    "noise_sampler_seed", .integer(0...Int64.max - 1), default: .null,
                    "Seed of the noise that steps add. null means a seed that is drawn from the generator of the run."),
            ] + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let seed: UInt64?
        let times: SigmaTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = try settings.choice("prediction_type")
            seed = try settings.optionalInteger("noise_sampler_seed").map { UInt64($0) }
            times = try SigmaTimesteps(settings, noise, inDouble: true)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, levels) = try times.levels(plan)
            let between = zip(levels, levels.dropFirst()).map { from, to in
                times.trained.timestep(of: exp(log(from) + (log(to) - log(from)) * 0.5))
            }
            let all = timesteps.prefix(1) + zip(between, timesteps.dropFirst()).flatMap { [$0, $1] }
            return DPMSolverSDEScheduler(
                configuration: self, timesteps: all.map { Float($0) }, sigmas: levels.map { Float($0) } + [0])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    /// Start of the current step.
    private var start: [Float]?
    /// Created in the first step.
    private var brownian: BrownianNoise?

    package var order: Int { 2 }
    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    var sigma: Float { start == nil ? sigmas[index] : .exp(-middle) }

    /// Minus the log of the noise level: at the start of the step, and at the midpoint.
    private var time: Float { -.log(sigmas[index]) }
    private var middle: Float { time + (-.log(sigmas[index + 1]) - time) * 0.5 }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let brownian = brownianNoise(sample.count, &noise)
        let original = configuration.prediction.original(output, sample, sigma: sigma)
        guard sigmas[index + 1] > 0 else {
            let next = eulerStep(from: sample, original, to: 0)
            index += 1
            return SchedulerStep(sample: next, predictedOriginal: original)
        }
        let (from, goal) = (Float.exp(-time), start == nil ? middle : -.log(sigmas[index + 1]))
        let to = Float.exp(-goal)
        let (fromSquare, toSquare) = (from * from, to * to)
        let up = min(to, (toSquare * (fromSquare - toSquare) / fromSquare).squareRoot())
        let ancestral = -Float.log((toSquare - up * up).squareRoot())
        let next = linearCombination(
            (.exp(-ancestral) / from, start ?? sample), (-.expMinusOne(time - ancestral), original),
            (up, brownian(from: from, to: to)))
        if start == nil {
            start = sample
        } else {
            start = nil
            index += 1
        }
        return SchedulerStep(sample: next, predictedOriginal: original)
    }

    private mutating func brownianNoise(_ count: Int, _ noise: inout NoiseGenerator) -> BrownianNoise {
        if let brownian { return brownian }
        let levels = sigmas.dropLast()
        let made = BrownianNoise(
            from: levels.min() ?? 0, to: levels.max() ?? 0, count: count,
            seeds: configuration.seed.map { [$0] } ?? noise.seeds())
        brownian = made
        return made
    }
}
