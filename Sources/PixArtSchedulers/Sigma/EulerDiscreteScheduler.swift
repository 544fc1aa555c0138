import PixArtFormats
import PixArtStorage

/// Euler's method on the noise level.
///
/// This implementation matches diffusers' `EulerDiscreteScheduler` as a pipeline calls it, with `timesteps` or custom
/// `sigmas`. Limitations: none of `step`'s further arguments, so it draws no noise.
package struct EulerDiscreteScheduler: SigmaScheduler {
    package enum Interpolation: String, CaseIterable, Sendable { case linear, logarithmic = "log_linear" }
    package enum Timesteps: String, CaseIterable, Sendable { case discrete, continuous }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "EulerDiscreteScheduler"
        package static let takesTimesteps = true
        package static let takesSigmas = true

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.prediction(), SchedulerFields.zeroSNR, SchedulerFields.finalSigma,
                SchedulerFields.choice(
                    "interpolation_type", Interpolation.linear,
                    "Noise levels of the timesteps (linear), or in equal ratios over the whole training range (log_linear)."
                ),
                SchedulerFields.choice(
                    "timestep_type", Timesteps.discrete,
                    "Input of the model: the timestep (discrete), or a quarter of the logarithm of the noise level (continuous), if "
                        + "prediction_type is v_prediction."
                ),
            ] + SchedulerFields.sigmaSpacings + SchedulerFields.sigmaRange + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let finalSigma: FinalSigma
        let interpolation: Interpolation
        let isContinuous: Bool
        let times: SigmaTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true, floor: true)
            prediction = try settings.choice("prediction_type")
            finalSigma = try settings.choice("final_sigmas_type")
            interpolation = try settings.choice("interpolation_type")
            let timesteps: Timesteps = try settings.choice("timestep_type")
            isContinuous = prediction == .velocity && timesteps == .continuous
            times = try SigmaTimesteps(settings, noise, hasRange: true)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            guard !isContinuous || plan.timesteps == nil else {
                throw .option("option \"timesteps\" is set; expected null because the scheduler's are continuous")
            }
            let run = try levels(plan)
            var sigmas = run.sigmas.map { Float($0) }
            if plan.sigmas == nil { sigmas.append(finalSigma == .zero ? 0 : times.trained.smallest) }
            let timesteps =
                isContinuous ? sigmas.dropLast().map { 0.25 * Float.log($0) } : run.timesteps.map { Float($0) }
            return EulerDiscreteScheduler(configuration: self, timesteps: timesteps, sigmas: sigmas)
        }

        private func levels(_ plan: RunSchedule) throws(PixArtError) -> (timesteps: [Double], sigmas: [Double]) {
            if let given = plan.sigmas?.map({ Float($0) }) {
                return (given.dropLast().map { times.trained.timestep(of: $0) }, given.map { Double($0) })
            }
            guard interpolation == .logarithmic else { return try times.levels(plan) }
            try times.sigmaSpacing.requireNone(plan.timesteps)
            let ratios = NoiseSchedule.linspace(
                Float.log(times.trained.largest), Float.log(times.trained.smallest), plan.steps + 1
            ).map { Double(Float.exp($0)) }
            guard times.sigmaSpacing == .timesteps else {
                return times.spaced(from: ratios[0], to: ratios[plan.steps], plan.steps)
            }
            return (times.timesteps(plan), ratios)
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0

    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let original = configuration.prediction.original(output, sample, sigma: sigma)
        let next = eulerStep(from: sample, original, to: sigmas[index + 1])
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }
}
