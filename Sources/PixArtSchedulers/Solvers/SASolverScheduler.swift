import PixArtFormats
import PixArtStorage

/// Stochastic Adams: a multistep predictor with noise, and a corrector of the previous step.
///
/// This implementation matches diffusers' `SASolverScheduler` with its default tau, which is PixArt's: noise is added
/// from timestep 800 to 200. Limitations: no other tau, orders up to 3, no flow matching. Noise is drawn in every
/// step, as in diffusers.
package struct SASolverScheduler: SolverScheduler {
    package enum Algorithm: String, CaseIterable, Sendable {
        case image = "data_prediction"
        case noise = "noise_prediction"
    }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "SASolverScheduler"
        package static let unsupportedFields: [UnsupportedSchedulerField] = [.flowSigmas, .learnedVariance]

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.order("predictor_order"), SchedulerFields.order("corrector_order"),
                SchedulerFields.prediction(),
                SchedulerFields.choice(
                    "algorithm_type", Algorithm.image,
                    "What the solver integrates: the predicted image (data_prediction) or the predicted noise (noise_prediction)."
                ),
                SchedulerFields.lowerOrderFinal(), SchedulerFields.clippedLambda,
            ] + SchedulerFields.thresholding + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let predictorOrder: Int
        let correctorOrder: Int
        let prediction: Prediction
        let predictsImage: Bool
        let lowerOrderFinal: Bool
        let clipping: SampleClipping
        let times: SolverTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            predictorOrder = try settings.integer("predictor_order")
            correctorOrder = try settings.integer("corrector_order")
            prediction = try settings.choice("prediction_type")
            predictsImage = try settings.choice("algorithm_type") == Algorithm.image
            lowerOrderFinal = try settings.boolean("lower_order_final")
            clipping = try SampleClipping(settings)
            times = try SolverTimesteps(
                settings, noise, endsAtOwn: true, repeats: predictorOrder == 1 && correctorOrder == 1)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return SASolverScheduler(
                configuration: self, times: timesteps, sigmas: sigmas,
                predictions: PredictionHistory(max(predictorOrder, correctorOrder)))
        }
    }

    /// What the corrector needs of the previous step.
    private struct Previous {
        let sample: [Float]
        let noise: [Float]
        let order: Int
    }

    private let configuration: Configuration
    private let times: [Int]
    let sigmas: [Float]
    var index = 0
    private var predictions: PredictionHistory
    private var previous: Previous?

    package var timesteps: [Float] { times.map { Float($0) } }

    /// Depends on the timestep only, as in diffusers, even if noise levels are not those of timesteps.
    package func addingNoise(_ noise: [Float], to original: [Float], at index: Int) -> [Float] {
        configuration.noise.level(times[index]).addingNoise(noise, to: original)
    }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let algorithm: DPMSolverAlgorithm = configuration.predictsImage ? .image : .noise
        let (prediction, original) = algorithm.prediction(
            configuration.prediction, configuration.clipping, output, sample, level(index),
            images: noise.images)
        let done = predictions.count
        predictions.add(prediction)
        var sample = sample
        if let previous {
            sample = moved(
                previous.sample, by: previous.order, noise: previous.noise, from: index - 1, corrects: true)
        }
        let fresh = noise.normal(sample.count)

        let left = configuration.lowerOrderFinal ? times.count - index : Int.max - 1
        let next = moved(
            sample, by: min(configuration.predictorOrder, left, done + 1), noise: fresh, from: index,
            corrects: false)
        previous = Previous(
            sample: sample, noise: fresh, order: min(configuration.correctorOrder, left + 1, done + 2))
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }

    /// From one noise level to the next by a polynomial through the predictions. If it `corrects`, the newest
    /// prediction belongs to the end of the step.
    private func moved(
        _ sample: [Float], by order: Int, noise: [Float], from start: Int, corrects: Bool
    ) -> [Float] {
        let (from, to) = (level(start), level(start + 1))
        let interval = SAInterval(
            start: from.lambda, end: to.lambda,
            tau: 200...800 ~= times[start] ? 1 : 0, predictsImage: configuration.predictsImage)
        let newest = corrects ? start + 1 : start
        let lambdas = (0..<order).map { lambda(newest - $0) }
        var weights = interval.weights(lambdas)
        if configuration.predictsImage, order == 2 {
            let change =
                corrects
                ? interval.correctorChange : interval.predictorChange(since: lambda(start - 1))
            weights[0] += change
            weights[1] -= change
        }
        let spread = 1 + interval.tau * interval.tau
        let square = interval.tau * interval.tau
        let unit: Float =
            configuration.predictsImage ? spread * to.sigma * .exp(-square * to.lambda) : -spread * to.alpha
        let gradient = linearCombination(weights.indices.map { (unit * weights[$0], predictions[$0]) })
        let h = to.lambda - from.lambda
        let (keep, add): (Float, Float) =
            configuration.predictsImage
            ? (
                .exp(-square * h) * (to.sigma / from.sigma),
                to.sigma * (1 - .exp(-2 * square * h)).squareRoot()
            )
            : (to.alpha / from.alpha, interval.tau * to.sigma * (.exp(2 * h) - 1).squareRoot())
        return linearCombination((keep, sample), (1, gradient), (add, noise))
    }
}

/// The step between two half logs of the signal-to-noise ratio, and integrals over it.
private struct SAInterval {
    let start: Float
    let end: Float
    let tau: Float
    let predictsImage: Bool

    /// The weight of each prediction: the integrals of the Lagrange polynomials through `lambdas`.
    func weights(_ lambdas: [Float]) -> [Float] {
        let integrals = lambdas.indices.map { integral(ofPower: lambdas.count - 1 - $0) }
        return lambdas.indices.map { place in
            zip(Self.lagrange(lambdas, place), integrals).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }

    /// Coefficients of the polynomial that is 1 at one point and 0 at the others, the highest power first.
    private static func lagrange(_ lambdas: [Float], _ place: Int) -> [Float] {
        let own = lambdas[place]
        let others = lambdas.indices.filter { $0 != place }.map { lambdas[$0] }
        let divisor = others.reduce(1) { $0 * (own - $1) }
        switch others.count {
        case 0: return [1]
        case 1: return [1 / divisor, -others[0] / divisor]
        default: return [1 / divisor, (-others[0] - others[1]) / divisor, others[0] * others[1] / divisor]
        }
    }

    /// Of a power of the logarithm times the exponential weight of the equation.
    private func integral(ofPower power: Int) -> Float {
        guard predictsImage else {
            let growth = Float.exp(end - start)
            let bracket: Float
            switch power {
            case 0: bracket = growth - 1
            case 1: bracket = (start + 1) * growth - (end + 1)
            default: bracket = (start * start + 2 * start + 2) * growth - (end * end + 2 * end + 2)
            }
            return .exp(-end) * bracket
        }
        let spread = 1 + tau * tau
        let (from, to) = (spread * start, spread * end)
        let decay = Float.exp(-(to - from))
        switch power {
        case 0: return .exp(to) * (1 - decay) / spread
        case 1: return .exp(to) * (to - 1 - (from - 1) * decay) / (spread * spread)
        default:
            return .exp(to) * (to * to - 2 * to + 2 - (from * from - 2 * from + 2) * decay) / (spread * spread * spread)
        }
    }

    /// h (1 + tau^2) - 1 + exp(-h (1 + tau^2)), over (1 + tau^2)^2.
    private var remainder: Float {
        let (h, spread) = (end - start, 1 + tau * tau)
        return (h * spread - 1 + .exp(spread * -h)) / (spread * spread)
    }

    /// What diffusers adds to the weight of the newest prediction, and subtracts from that of the previous one, in
    /// a second-order predictor.
    func predictorChange(since earlier: Float) -> Float {
        let h = end - start
        return .exp((1 + tau * tau) * end) * (h * h / 2 - remainder) / (start - earlier)
    }

    /// The same in a corrector.
    var correctorChange: Float {
        let h = end - start
        return .exp((1 + tau * tau) * end) * (h / 2 - remainder / h)
    }
}
