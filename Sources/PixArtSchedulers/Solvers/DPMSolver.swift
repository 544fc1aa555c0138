import PixArtFormats
import PixArtStorage

/// The four differential equations of DPM-Solver.
package enum DPMSolverAlgorithm: String, CaseIterable, Sendable {
    /// Solves for the noise.
    case noise = "dpmsolver"
    /// Solves for the image.
    case image = "dpmsolver++"
    /// The same, with noise added in each step.
    case stochasticNoise = "sde-dpmsolver"
    case stochasticImage = "sde-dpmsolver++"

    var isStochastic: Bool { self == .stochasticNoise || self == .stochasticImage }
    var predictsImage: Bool { self == .image || self == .stochasticImage }

    /// The quantity that the solver integrates, and the predicted image.
    func prediction(
        _ kind: Prediction, _ clipping: SampleClipping, _ output: [Float], _ sample: [Float], _ level: NoiseLevel,
        images: Int
    ) -> (prediction: [Float], original: [Float]) {
        if predictsImage {
            let original = clipping(kind.original(output, sample, level), images: images)
            return (original, original)
        }
        let epsilon = kind.epsilon(output, sample, level)
        let original = clipping(Prediction.epsilon.original(epsilon, sample, level), images: images)
        return (clipping == .none ? epsilon : Prediction.epsilon(original: original, sample, level), original)
    }
}

/// How a second-order step computes the slope between two predictions.
package enum DPMSolverType: String, CaseIterable, Sendable { case midpoint, heun }

/// The settings of both DPM-Solvers.
struct DPMSolverSettings: Sendable {
    let noise: NoiseSchedule
    let order: Int
    let algorithm: DPMSolverAlgorithm
    let solver: DPMSolverType
    let lowerOrderFinal: Bool
    let finalSigma: FinalSigma
    private let prediction: Prediction
    private let clipping: SampleClipping
    private let times: SolverTimesteps

    /// diffusers refuses "deis" unless final_sigmas_type is "sigma_min", although the algorithm that it uses
    /// instead supports both. Here both work.
    static let sisterNames = [
        "algorithm_type": ["deis": DPMSolverAlgorithm.image.rawValue],
        "solver_type": ["logrho": "midpoint", "bh1": "midpoint", "bh2": "midpoint"],
    ]
    static let unsupportedFields: [UnsupportedSchedulerField] = [.flowSigmas, .dynamicShifting, .learnedVariance]

    static func fields(_ algorithms: [DPMSolverAlgorithm], lowerOrderFinal: Bool) -> [OptionSchema.Property] {
        SchedulerFields.noise() + [
            SchedulerFields.order(), SchedulerFields.prediction(),
            .init(
                "algorithm_type", .choice(algorithms.map(\.rawValue)),
                default: .string(DPMSolverAlgorithm.image.rawValue),
                "What the solver integrates: the predicted noise, or (\"++\") the predicted image. The algorithms with \"sde-\" add "
                    + "noise in each step."),
            SchedulerFields.choice(
                "solver_type", DPMSolverType.midpoint, "Method of steps of higher order."),
            SchedulerFields.lowerOrderFinal(lowerOrderFinal), SchedulerFields.finalSigma, SchedulerFields.clippedLambda,
        ] + SchedulerFields.thresholding + SchedulerFields.sigmaSpacings
    }

    init(_ settings: SchedulerOptions, _ noise: NoiseSchedule, _ times: SolverTimesteps) throws(PixArtError) {
        self.noise = noise
        self.times = times
        order = try settings.integer("solver_order")
        algorithm = try settings.choice("algorithm_type")
        solver = try settings.choice("solver_type")
        prediction = try settings.choice("prediction_type")
        lowerOrderFinal = try settings.boolean("lower_order_final")
        finalSigma = try settings.choice("final_sigmas_type")
        clipping = try SampleClipping(settings)
        guard algorithm.predictsImage || finalSigma == .smallest else {
            throw settings.conflict(
                "final_sigmas_type", expected: "\"sigma_min\" with algorithm_type \"\(algorithm.rawValue)\"")
        }
    }

    /// Timesteps of a run, and its noise levels including that at the end of the last step.
    func levels(_ plan: RunSchedule) throws(PixArtError) -> (timesteps: [Float], sigmas: [Float]) {
        let (timesteps, sigmas) = try times(plan, final: finalSigma)
        return (timesteps.map { Float($0) }, sigmas)
    }

    /// The quantity that the solver integrates, and the predicted image.
    func prediction(
        _ output: [Float], _ sample: [Float], _ level: NoiseLevel, images: Int
    ) -> (prediction: [Float], original: [Float]) {
        algorithm.prediction(prediction, clipping, output, sample, level, images: images)
    }
}

/// Weights of the terms of a step from one noise level to another, in diffusers' arithmetic.
struct DPMSolverUpdate {
    private let algorithm: DPMSolverAlgorithm
    private let from: NoiseLevel
    private let to: NoiseLevel
    private let h: Float

    init(_ algorithm: DPMSolverAlgorithm, from: NoiseLevel, to: NoiseLevel) {
        self.algorithm = algorithm
        self.from = from
        self.to = to
        h = to.lambda - from.lambda
    }

    /// Of the latents.
    var sample: Float {
        switch algorithm {
        case .image: to.sigma / from.sigma
        case .stochasticImage: to.sigma / from.sigma * Float.exp(-h)
        case .noise, .stochasticNoise: to.alpha / from.alpha
        }
    }

    /// Of the prediction.
    var prediction: Float {
        switch algorithm {
        case .image: -(to.alpha * (Float.exp(-h) - 1))
        case .noise: -(to.sigma * (Float.exp(h) - 1))
        case .stochasticImage: to.alpha * (1 - Float.exp(-2 * h))
        case .stochasticNoise: -(2 * (to.sigma * (Float.exp(h) - 1)))
        }
    }

    /// Of its slope, by the midpoint rule.
    var midpointSlope: Float { 0.5 * prediction }

    /// Of its slope, exactly.
    var slope: Float {
        switch algorithm {
        case .image: to.alpha * ((Float.exp(-h) - 1) / h + 1)
        case .noise: -(to.sigma * ((Float.exp(h) - 1) / h - 1))
        case .stochasticImage: to.alpha * ((1 - Float.exp(-2 * h)) / (-2 * h) + 1)
        case .stochasticNoise: -(2 * (to.sigma * ((Float.exp(h) - 1) / h - 1)))
        }
    }

    /// Of its curvature.
    var curvature: Float {
        switch algorithm {
        case .image: -(to.alpha * ((Float.exp(-h) - 1 + h) / (h * h) - 0.5))
        case .noise: -(to.sigma * ((Float.exp(h) - 1 - h) / (h * h) - 0.5))
        case .stochasticImage: to.alpha * ((1 - Float.exp(-2 * h) - 2 * h) / (2 * h * (2 * h)) - 0.5)
        case .stochasticNoise: preconditionFailure("sde-dpmsolver has no third order")
        }
    }

    /// Of new noise.
    var noise: Float {
        switch algorithm {
        case .image, .noise: 0
        case .stochasticImage: to.sigma * (1 - Float.exp(-2 * h)).squareRoot()
        case .stochasticNoise: to.sigma * (Float.exp(2 * h) - 1).squareRoot()
        }
    }
}
