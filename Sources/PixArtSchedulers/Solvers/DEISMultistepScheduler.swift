import PixArtFormats
import PixArtStorage

/// Diffusion exponential integrator over the log of the noise level, with the noise predictions of several steps.
///
/// This implementation matches diffusers' `DEISMultistepScheduler`. Limitations: no flow matching.
package struct DEISMultistepScheduler: SolverScheduler {
    package enum Algorithm: String, CaseIterable, Sendable { case deis }
    package enum Solver: String, CaseIterable, Sendable { case logrho }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "DEISMultistepScheduler"
        package static let sisterNames = [
            "algorithm_type": ["dpmsolver": "deis", "dpmsolver++": "deis"],
            "solver_type": ["midpoint": "logrho", "heun": "logrho", "bh1": "logrho", "bh2": "logrho"],
        ]
        package static let unsupportedFields: [UnsupportedSchedulerField] = [.flowSigmas, .dynamicShifting]

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.order(), SchedulerFields.prediction(),
                SchedulerFields.choice("algorithm_type", Algorithm.deis, "Algorithm of the solver. There is one."),
                SchedulerFields.choice(
                    "solver_type", Solver.logrho, "Variable that the solver integrates over. There is one."),
                SchedulerFields.lowerOrderFinal(),
            ] + SchedulerFields.thresholding + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let order: Int
        let prediction: Prediction
        let lowerOrderFinal: Bool
        let clipping: SampleClipping
        let times: SolverTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            order = try settings.integer("solver_order")
            prediction = try settings.choice("prediction_type")
            lowerOrderFinal = try settings.boolean("lower_order_final")
            clipping = try SampleClipping(settings)
            times = try SolverTimesteps(settings, noise, clips: false, endsAtOwn: true, repeats: order == 1)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return DEISMultistepScheduler(
                configuration: self, timesteps: timesteps.map { Float($0) }, sigmas: sigmas,
                predictions: PredictionHistory(order))
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    /// Of the noise.
    private var predictions: PredictionHistory

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let (from, to) = (level(index), level(index + 1))
        let original = configuration.clipping(
            configuration.prediction.original(output, sample, from), images: noise.images)
        let epsilon = Prediction.epsilon(original: original, sample, from)
        predictions.add(epsilon)

        let order = stepOrder
        let next: [Float]
        if order == 1 {
            let growth = Float.exp(to.lambda - from.lambda) - 1
            next = linearCombination((to.alpha / from.alpha, sample), (-(to.sigma * growth), epsilon))
        } else {
            let logarithms = (0..<order).map { Float.log(ratio(index - $0)) }
            let (start, end) = (ratio(index), ratio(index + 1))
            var sum = sample.map { $0 / from.alpha }
            for place in 0..<order {
                let others = (1..<order).map { logarithms[(place + $0) % order] }
                let weight =
                    Self.integral(end, logarithms[place], others) - Self.integral(start, logarithms[place], others)
                sum = linearCombination((1, sum), (weight, predictions[place]))
            }
            next = sum.map { to.alpha * $0 }
        }
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }

    /// Predictions that the next step uses.
    private var stepOrder: Int {
        let left = timesteps.count - index
        let isShort = configuration.lowerOrderFinal && timesteps.count < 15
        return min(predictions.count, isShort && left < 3 ? left : 3)
    }

    /// The ratio of noise to image.
    private func ratio(_ index: Int) -> Float {
        let level = level(index)
        return level.sigma / level.alpha
    }

    /// The antiderivative at `t` of the Lagrange polynomial in log t that is 1 at `own` and 0 at one or two
    /// `others`.
    private static func integral(_ t: Float, _ own: Float, _ others: [Float]) -> Float {
        let logarithm = Float.log(t)
        let c = others[0]
        guard others.count == 2 else { return t * (-c + logarithm - 1) / (own - c) }
        let d = others[1]
        let numerator =
            t * (c * (d - logarithm + 1) - d * logarithm + d + logarithm * logarithm - 2 * logarithm + 2)
        return numerator / ((own - c) * (own - d))
    }
}
