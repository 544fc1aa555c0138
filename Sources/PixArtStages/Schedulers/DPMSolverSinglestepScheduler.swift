import PixArtCompute

/// DPM-Solver and DPM-Solver++ in groups of steps: the last of a group starts again where the group began.
///
/// This implementation matches: diffusers' `DPMSolverSinglestepScheduler`, with `timesteps` of one's own, and its
/// switching to `lower_order_final` where the steps do not come out even or the last ends without noise.
/// Limitations: no flow matching.
package struct DPMSolverSinglestepScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DPMSolverSinglestepScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise() + [
                SchedulerField.order(), SchedulerField.prediction(),
                .init(
                    "algorithm_type", .choice(["dpmsolver", "dpmsolver++", "sde-dpmsolver++"]),
                    default: .string("dpmsolver++"),
                    "What the solver follows: the noise or (++) the picture, without or (sde-) with noise added."),
                SchedulerField.choice(
                    "solver_type", DPMSolverType.midpoint, "How steps of higher order take the slope."),
                SchedulerField.lowerOrderFinal(false), SchedulerField.finalSigma, SchedulerField.clippedLambda,
            ] + SchedulerField.thresholding + SchedulerField.sigmaSpacings

        let noise: NoiseSchedule
        let order: Int
        let algorithm: DPMSolverAlgorithm
        let solver: DPMSolverType
        let prediction: Prediction
        let lowerOrderFinal: Bool
        let finalSigma: FinalSigma
        let clipping: Clipping
        let times: SolverTimes

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            order = settings.integer("solver_order")
            algorithm = settings.choice("algorithm_type")
            solver = settings.choice("solver_type")
            prediction = settings.choice("prediction_type")
            lowerOrderFinal = settings.boolean("lower_order_final")
            finalSigma = settings.choice("final_sigmas_type")
            clipping = Clipping(settings)
            times = try SolverTimes(settings, noise, spaces: false)
            guard algorithm.predictsPicture || finalSigma == .smallest else {
                throw settings.conflict(
                    "final_sigmas_type", expected: "\"sigma_min\" with algorithm_type \"dpmsolver\"")
            }
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return DPMSolverSinglestepScheduler(
                configuration: self, timesteps: timesteps.map { Float($0) },
                sigmas: sigmas + [finalSigma == .zero ? 0 : times.trained.smallest])
        }

        /// The order of each step.
        fileprivate func orders(_ steps: Int) -> [Int] {
            let group = Array(1...order)
            var orders: [Int] = []
            while orders.count < steps { orders += group }
            orders = Array(orders.prefix(steps))
            // A run that comes out even has its last group cut short; another one ends with a short group anyway.
            if finalSigma == .zero || lowerOrderFinal && steps % order == 0 { orders[steps - 1] = 1 }
            return orders
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    private let sigmas: [Float]
    private let orders: [Int]
    private var index = 0
    /// The last steps' predictions, the newest first.
    private var predictions: [[Float]] = []
    /// Where the group of steps under way began.
    private var start: [Float] = []

    private init(configuration: Configuration, timesteps: [Float], sigmas: [Float]) {
        self.configuration = configuration
        self.timesteps = timesteps
        self.sigmas = sigmas
        orders = configuration.orders(timesteps.count)
    }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let (prediction, original) = configuration.algorithm.prediction(
            configuration.prediction, configuration.clipping, output, sample, NoiseLevel(sigmas[index]),
            images: noise.images)
        predictions = Array(([prediction] + predictions).prefix(configuration.order))
        let fresh = configuration.algorithm.isStochastic ? noise.normal(sample.count) : nil
        let order = min(orders[index], predictions.count)
        if order == 1 { start = sample }

        let begin = index - order + 1
        let update = DPMSolverUpdate(
            configuration.algorithm, from: NoiseLevel(sigmas[begin]), to: NoiseLevel(sigmas[index + 1]))
        var terms = [(update.sample, start), (update.prediction, predictions[order - 1])]
        switch order {
        case 1: break
        case 2: terms.append((configuration.solver == .midpoint ? update.midpointSlope : update.slope, slope(0, begin)))
        default:
            let (near, far) = (slope(1, begin), slope(0, begin))
            if configuration.solver == .midpoint {
                terms.append((update.slope, far))
            } else {
                let (late, early) = (ratio(index, begin), ratio(index - 1, begin))
                let slope = zip(near, far).map { (late * $0 - early * $1) / (late - early) }
                let curvature = zip(near, far).map { 2 * ($1 - $0) / (late - early) }
                terms += [(update.slope, slope), (update.curvature, curvature)]
            }
        }
        if let fresh { terms.append((update.noise, fresh)) }
        index += 1
        return SchedulerStep(sample: combination(terms), original: original)
    }

    /// How far a step of the group lies on the way from its begin to its end.
    private func ratio(_ place: Int, _ begin: Int) -> Float {
        func lambda(_ index: Int) -> Float { NoiseLevel(sigmas[index]).lambda }
        return (lambda(place) - lambda(begin)) / (lambda(index + 1) - lambda(begin))
    }

    /// The slope from the begin of the group to the prediction some steps back.
    private func slope(_ back: Int, _ begin: Int) -> [Float] {
        let ratio = ratio(index - back, begin)
        return zip(predictions[back], predictions[index - begin]).map { 1 / ratio * ($0 - $1) }
    }
}
