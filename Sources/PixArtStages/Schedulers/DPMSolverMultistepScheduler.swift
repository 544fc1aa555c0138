import PixArtCompute

/// DPM-Solver and DPM-Solver++ with several steps' predictions.
///
/// This implementation matches: diffusers' `DPMSolverMultistepScheduler`, all algorithms, orders, noise levels and
/// timestep spacings, with `timesteps` of one's own.
/// Limitations: no flow matching; `solver_order` 3 with "sde-dpmsolver" is an error, since diffusers has no such step;
/// where the first two timesteps are equal, diffusers starts at the second and fails at the end, and this goes on.
package struct DPMSolverMultistepScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DPMSolverMultistepScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise() + [
                SchedulerField.order(), SchedulerField.prediction(),
                SchedulerField.choice(
                    "algorithm_type", DPMSolverAlgorithm.picture,
                    "What the solver follows: the noise or (++) the picture, without or (sde-) with noise added."),
                SchedulerField.choice(
                    "solver_type", DPMSolverType.midpoint, "How steps of second order take the slope."),
                SchedulerField.lowerOrderFinal(),
                .init(
                    "euler_at_final", .boolean, default: .bool(false), "End with a step of first order in any case."),
                .init(
                    "use_lu_lambdas", .boolean, default: .bool(false),
                    "Noise levels in equal steps of the logarithm, as Lu et al. have them."),
                SchedulerField.finalSigma, SchedulerField.clippedLambda, SchedulerField.zeroSNR,
            ] + SchedulerField.thresholding + SchedulerField.sigmaSpacings + SchedulerField.spacing(.linspace)

        let noise: NoiseSchedule
        let order: Int
        let algorithm: DPMSolverAlgorithm
        let solver: DPMSolverType
        let prediction: Prediction
        let lowerOrderFinal: Bool
        let eulerAtFinal: Bool
        let finalSigma: FinalSigma
        let clipping: Clipping
        let times: SolverTimes

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true, floor: true)
            order = settings.integer("solver_order")
            algorithm = settings.choice("algorithm_type")
            solver = settings.choice("solver_type")
            prediction = settings.choice("prediction_type")
            lowerOrderFinal = settings.boolean("lower_order_final")
            eulerAtFinal = settings.boolean("euler_at_final")
            finalSigma = settings.choice("final_sigmas_type")
            clipping = Clipping(settings)
            let cosine = (settings.choice("beta_schedule") as NoiseSchedule.Betas) == .cosine
            times = try SolverTimes(settings, noise, rounded: cosine ? [] : [.karras, .lu], hasLu: true)
            guard algorithm.predictsPicture || finalSigma == .smallest else {
                throw settings.conflict(
                    "final_sigmas_type", expected: "\"sigma_min\" with algorithm_type \"\(algorithm.rawValue)\"")
            }
            guard algorithm != .stochasticNoise || order < 3 else {
                throw settings.conflict("solver_order", expected: "1 or 2 with algorithm_type \"sde-dpmsolver\"")
            }
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return DPMSolverMultistepScheduler(
                configuration: self, timesteps: timesteps.map { Float($0) },
                sigmas: sigmas + [finalSigma == .zero ? 0 : times.trained.smallest])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    /// One for each timestep, and the one that the last step ends at.
    private let sigmas: [Float]
    private var index = 0
    /// The last steps' predictions, the newest first.
    private var predictions: [[Float]] = []

    private init(configuration: Configuration, timesteps: [Float], sigmas: [Float]) {
        self.configuration = configuration
        self.timesteps = timesteps
        self.sigmas = sigmas
    }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let level = NoiseLevel(sigmas[index])
        let (prediction, original) = configuration.algorithm.prediction(
            configuration.prediction, configuration.clipping, output, sample, level, images: noise.images)
        predictions = Array(([prediction] + predictions).prefix(configuration.order))
        let fresh = configuration.algorithm.isStochastic ? noise.normal(sample.count) : nil

        let update = DPMSolverUpdate(configuration.algorithm, from: level, to: NoiseLevel(sigmas[index + 1]))
        var terms: [(Float, [Float])] = [(update.sample, sample), (update.prediction, prediction)]
        switch stepOrder {
        case 1: break
        case 2:
            let slope = secondOrderSlope()
            terms.append((configuration.solver == .midpoint ? update.midpointSlope : update.slope, slope))
        default:
            let (slope, curvature) = thirdOrderSlopes()
            terms += [(update.slope, slope), (update.curvature, curvature)]
        }
        if let fresh { terms.append((update.noise, fresh)) }
        index += 1
        return SchedulerStep(sample: combination(terms), original: original)
    }

    /// Predictions that the next step uses.
    private var stepOrder: Int {
        let left = timesteps.count - index
        let isShort = configuration.lowerOrderFinal && timesteps.count < 15
        if left == 1, isShort || configuration.eulerAtFinal || configuration.finalSigma == .zero { return 1 }
        return min(predictions.count, left == 2 && isShort ? 2 : 3)
    }

    private func lambda(_ index: Int) -> Float { NoiseLevel(sigmas[index]).lambda }

    private func secondOrderSlope() -> [Float] {
        let h = lambda(index + 1) - lambda(index)
        let ratio = (lambda(index) - lambda(index - 1)) / h
        return zip(predictions[0], predictions[1]).map { 1 / ratio * ($0 - $1) }
    }

    private func thirdOrderSlopes() -> (slope: [Float], curvature: [Float]) {
        let h = lambda(index + 1) - lambda(index)
        let ratio = (lambda(index) - lambda(index - 1)) / h
        let older = (lambda(index - 1) - lambda(index - 2)) / h
        let near = zip(predictions[0], predictions[1]).map { 1 / ratio * ($0 - $1) }
        let far = zip(predictions[1], predictions[2]).map { 1 / older * ($0 - $1) }
        let slope = zip(near, far).map { $0 + ratio / (ratio + older) * ($0 - $1) }
        return (slope, zip(near, far).map { 1 / (ratio + older) * ($0 - $1) })
    }
}

extension DPMSolverAlgorithm {
    /// What the solver follows, and the picture that it amounts to.
    func prediction(
        _ kind: Prediction, _ clipping: Clipping, _ output: [Float], _ sample: [Float], _ level: NoiseLevel, images: Int
    ) -> (prediction: [Float], original: [Float]) {
        if predictsPicture {
            let original = clipping(kind.original(output, sample, level), images: images)
            return (original, original)
        }
        let epsilon = kind.epsilon(output, sample, level)
        let original = clipping(Prediction.epsilon.original(epsilon, sample, level), images: images)
        return (clipping == .none ? epsilon : Prediction.epsilon(original: original, sample, level), original)
    }
}
