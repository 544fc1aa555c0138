import PixArtFormats
import PixArtStorage

/// How a step of second order takes the slope between two predictions.
package enum DPMSolverType: String, CaseIterable, Sendable { case midpoint, heun }

/// What both DPM-Solvers are set to.
struct DPMSolverSettings: Sendable {
    let noise: NoiseSchedule
    let order: Int
    let algorithm: DPMSolverAlgorithm
    let solver: DPMSolverType
    let lowerOrderFinal: Bool
    let finalSigma: FinalSigma
    private let prediction: Prediction
    private let clipping: Clipping
    private let times: SolverTimes

    /// diffusers refuses "deis" unless final_sigmas_type is "sigma_min", although the name that it takes instead goes with
    /// both; here it does.
    static let sisterNames = [
        "algorithm_type": ["deis": DPMSolverAlgorithm.picture.rawValue],
        "solver_type": ["logrho": "midpoint", "bh1": "midpoint", "bh2": "midpoint"],
    ]
    static let unsupportedFields: [UnsupportedSchedulerField] = [.flowSigmas, .dynamicShifting, .learnedVariance]

    static func fields(_ algorithms: [DPMSolverAlgorithm], lowerOrderFinal: Bool) -> [OptionSchema.Property] {
        SchedulerField.noise() + [
            SchedulerField.order(), SchedulerField.prediction(),
            .init(
                "algorithm_type", .choice(algorithms.map(\.rawValue)),
                default: .string(DPMSolverAlgorithm.picture.rawValue),
                "What the solver follows: the noise or (++) the picture, without or (sde-) with noise added."),
            SchedulerField.choice(
                "solver_type", DPMSolverType.midpoint, "How steps of higher order take the slope."),
            SchedulerField.lowerOrderFinal(lowerOrderFinal), SchedulerField.finalSigma, SchedulerField.clippedLambda,
        ] + SchedulerField.thresholding + SchedulerField.sigmaSpacings
    }

    init(_ settings: SchedulerSettings, _ noise: NoiseSchedule, _ times: SolverTimes) throws(PixArtError) {
        self.noise = noise
        self.times = times
        order = settings.integer("solver_order")
        algorithm = settings.choice("algorithm_type")
        solver = settings.choice("solver_type")
        prediction = settings.choice("prediction_type")
        lowerOrderFinal = settings.boolean("lower_order_final")
        finalSigma = settings.choice("final_sigmas_type")
        clipping = Clipping(settings)
        guard algorithm.predictsPicture || finalSigma == .smallest else {
            throw settings.conflict(
                "final_sigmas_type", expected: "\"sigma_min\" with algorithm_type \"\(algorithm.rawValue)\"")
        }
    }

    /// Timesteps of a run, and its noise levels with the one that the last step ends at.
    func levels(_ plan: SchedulerPlan) throws(PixArtError) -> (timesteps: [Float], sigmas: [Float]) {
        let (timesteps, sigmas) = try times(plan, final: finalSigma)
        return (timesteps.map { Float($0) }, sigmas)
    }

    /// What the solver follows, and the picture that it amounts to.
    func prediction(
        _ output: [Float], _ sample: [Float], _ level: NoiseLevel, images: Int
    ) -> (prediction: [Float], original: [Float]) {
        algorithm.prediction(prediction, clipping, output, sample, level, images: images)
    }
}
