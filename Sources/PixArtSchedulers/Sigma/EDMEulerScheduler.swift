import Glibc
import PixArtFormats
import PixArtStorage

/// Euler's method with the preconditioning of Karras et al.
///
/// This implementation matches diffusers' `EDMEulerScheduler` as a pipeline calls it. Limitations: none of `step`'s
/// further arguments. The model receives a quarter of the log of the noise level instead of a timestep. So the
/// scheduler suits models that were trained this way, and no published PixArt.
package struct EDMEulerScheduler: SigmaScheduler {
    package enum Spacing: String, CaseIterable, Sendable { case karras, exponential }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "EDMEulerScheduler"

        package static let fields: [OptionSchema.Property] = [
            .init("sigma_min", .number(1e-9...1e9), default: .number(0.002), "Smallest noise level."),
            .init("sigma_max", .number(1e-9...1e9), default: .number(80), "Largest noise level."),
            .init(
                "sigma_data", .number(1e-9...1e9), default: .number(0.5), "Standard deviation of the training images."),
            SchedulerFields.choice(
                "sigma_schedule", Spacing.karras, "How noise levels are spaced between sigma_max and sigma_min."),
            SchedulerFields.prediction([.epsilon, .velocity]),
            .init("rho", .number(0.1...1000), default: .number(7), "Exponent of the spacing \"karras\"."),
            SchedulerFields.finalSigma,
        ]

        /// Only limits the steps of a run.
        package let trainingTimesteps = 1000
        let minimum: Double
        let maximum: Double
        let dataSigma: Float
        let spacing: Spacing
        let prediction: Prediction
        let rho: Double
        let finalSigma: FinalSigma

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            minimum = try settings.number("sigma_min")
            maximum = try settings.number("sigma_max")
            dataSigma = try Float(settings.number("sigma_data"))
            spacing = try settings.choice("sigma_schedule")
            prediction = try settings.choice("prediction_type")
            rho = try settings.number("rho")
            finalSigma = try settings.choice("final_sigmas_type")
            guard minimum < maximum else {
                throw settings.conflict("sigma_min", expected: "less than sigma_max \(maximum)")
            }
        }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let sigmas: [Float]
            switch spacing {
            case .karras:
                sigmas = SigmaSpacing.karras(
                    TimestepSpacing.linspace(0, 1, plan.steps), from: maximum, to: minimum, rho: rho
                ).map { Float($0) }
            case .exponential:
                sigmas = NoiseSchedule.linspace(Float(log(minimum)), Float(log(maximum)), plan.steps)
                    .map { Float.exp($0) }.reversed()
            }
            return EDMEulerScheduler(
                configuration: self, sigmas: sigmas + [finalSigma == .zero ? 0 : sigmas[sigmas.count - 1]])
        }
    }

    private let configuration: Configuration
    let sigmas: [Float]
    var index = 0

    package var timesteps: [Float] { sigmas.dropLast().map { 0.25 * Float.log($0) } }

    package var initialNoiseSigma: Float {
        Float((configuration.maximum * configuration.maximum + 1).squareRoot())
    }

    /// The squared standard deviation of noisy latents.
    private var spread: Float { sigma * sigma + configuration.dataSigma * configuration.dataSigma }

    package func modelInput(_ sample: [Float]) -> [Float] {
        let scale = 1 / spread.squareRoot()
        return sample.map { $0 * scale }
    }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let (sigma, data) = (sigma, configuration.dataSigma)
        let weight = (configuration.prediction == .velocity ? -sigma : sigma) * data / spread.squareRoot()
        let original = linearCombination((data * data / spread, sample), (weight, output))
        let next = eulerStep(from: sample, original, to: sigmas[index + 1])
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }
}
