import PixArtFormats
import PixArtStorage

/// Unified predictor and corrector: each step first corrects the previous one with the new prediction.
///
/// This implementation matches diffusers' `UniPCMultistepScheduler`, both solver types, with and without `predict_x0`.
/// Limitations: no flow matching and no `solver_p`. A step to zero noise of more than first order is an error;
/// diffusers computes NaN there, as in any last step of "bh1" to zero noise. Custom `sigmas` need flow matching in
/// diffusers.
package struct UniPCMultistepScheduler: SolverScheduler {
    package enum Solver: String, CaseIterable, Sendable { case bh1, bh2 }

    package struct Configuration: SchedulerConfiguration {
        package static let className = "UniPCMultistepScheduler"
        package static let sisterNames = [
            "solver_type": ["midpoint": "bh2", "heun": "bh2", "logrho": "bh2"]
        ]
        package static let unsupportedFields: [UnsupportedSchedulerField] = [.flowSigmas, .dynamicShifting]

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.order(), SchedulerFields.prediction(),
                SchedulerFields.choice(
                    "solver_type", Solver.bh2,
                    "Function of the step size that scales the residual: B1(h) or B2(h) of the paper."),
                .init(
                    "predict_x0", .boolean, default: .bool(true),
                    "true: solve for the predicted image. false: solve for the predicted noise."),
                .init(
                    "disable_corrector", .integers(0...100_000), default: .array([]),
                    "Steps, counted from 0, whose results the next step does not correct."),
                SchedulerFields.lowerOrderFinal(), SchedulerFields.finalSigma, SchedulerFields.zeroSNR,
            ] + SchedulerFields.thresholding + SchedulerFields.sigmaSpacings + SchedulerFields.sigmaRange
            + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let order: Int
        let solver: Solver
        let prediction: Prediction
        let predictsImage: Bool
        let uncorrected: Set<Int>
        let lowerOrderFinal: Bool
        let finalSigma: FinalSigma
        let clipping: SampleClipping
        let times: SolverTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings, rescales: true, floor: true)
            order = try settings.integer("solver_order")
            solver = try settings.choice("solver_type")
            prediction = try settings.choice("prediction_type")
            predictsImage = try settings.boolean("predict_x0")
            uncorrected = try Set(settings.integers("disable_corrector"))
            lowerOrderFinal = try settings.boolean("lower_order_final")
            finalSigma = try settings.choice("final_sigmas_type")
            clipping = try SampleClipping(settings)
            times = try SolverTimesteps(
                settings, noise, clips: false, endsAtOwn: true, hasRange: true, repeats: order == 1)
            guard finalSigma == .smallest || predictsImage else {
                throw settings.conflict("final_sigmas_type", expected: "\"sigma_min\" if \"predict_x0\" is false")
            }
            guard finalSigma == .smallest || lowerOrderFinal || order == 1 else {
                throw settings.conflict(
                    "final_sigmas_type", expected: "\"sigma_min\" if \"lower_order_final\" is false")
            }
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan, final: finalSigma)
            return UniPCMultistepScheduler(
                configuration: self, timesteps: timesteps.map { Float($0) }, sigmas: sigmas,
                predictions: PredictionHistory(order))
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    private var predictions: PredictionHistory
    /// The last step's latents, and its order.
    private var previous: (sample: [Float], order: Int)?

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let level = level(index)
        let unclipped = configuration.prediction.original(output, sample, level)
        let original = configuration.predictsImage ? configuration.clipping(unclipped, images: noise.images) : unclipped
        let prediction =
            configuration.predictsImage ? original : configuration.prediction.epsilon(output, sample, level)

        var sample = sample
        if let previous, !configuration.uncorrected.contains(index - 1) {
            sample = moved(previous.sample, by: previous.order, from: index - 1, arriving: prediction)
        }
        predictions.add(prediction)
        let left = timesteps.count - index
        let order = min(predictions.count, configuration.lowerOrderFinal ? left : configuration.order)
        let next = moved(sample, by: order, from: index, arriving: nil)
        previous = (sample, order)
        index += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }

    /// From one noise level to the next: from the predictions up to `start` only, or corrected by the one at the
    /// end.
    private func moved(_ sample: [Float], by order: Int, from start: Int, arriving: [Float]?) -> [Float] {
        let (from, to) = (level(start), level(start + 1))
        let h = to.lambda - from.lambda
        let newest = predictions[0]
        let ratios = (1..<max(order, 1)).map { (lambda(start - $0) - from.lambda) / h }
        let signed = configuration.predictsImage ? -h : h
        let growth = Float.expMinusOne(signed)
        let scale = configuration.solver == .bh1 ? signed : growth
        let weights = residueWeights(ratios + [1], signed, scale, predicts: arriving == nil)

        var residue: [(Float, [Float])] = ratios.indices.map { place in
            let slope = zip(predictions[place + 1], newest).map { ($0 - $1) / ratios[place] }
            return (weights[place], slope)
        }
        if let arriving { residue.append((weights[order - 1], zip(arriving, newest).map { $0 - $1 })) }
        let (keep, unit) =
            configuration.predictsImage ? (to.sigma / from.sigma, to.alpha) : (to.alpha / from.alpha, to.sigma)
        let base = linearCombination((keep, sample), (-(unit * growth), newest))
        return residue.isEmpty ? base : linearCombination((1, base), (-(unit * scale), linearCombination(residue)))
    }

    /// The weight of each difference of predictions. Polynomials up to the order are exact.
    private func residueWeights(_ ratios: [Float], _ h: Float, _ scale: Float, predicts: Bool) -> [Float] {
        let order = ratios.count
        if order == 1 || predicts && order == 2 { return [0.5] }
        var rows: [[Float]] = []
        var power = ratios.map { _ in 1 as Float }
        var (factorial, phi) = (1 as Float, .expMinusOne(h) / h - 1)
        for row in 1...order {
            rows.append(power + [phi * factorial / scale])
            power = zip(power, ratios).map { $0 * $1 }
            factorial *= Float(row + 1)
            phi = phi / h - 1 / factorial
        }
        // A prediction has no difference at the end of the step, so the last unknown and the last equation are
        // dropped.
        return predicts
            ? solved(rows.dropLast().map { Array($0.dropLast(2)) + $0.suffix(1) }) : solved(rows)
    }
}

/// Solves linear equations by elimination with pivots. The right sides are the last elements of the rows.
private func solved(_ equations: [[Float]]) -> [Float] {
    var rows = equations
    let count = rows.count
    for column in 0..<count {
        let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
        // Not `swapAt`: the compiler optimizes its specialization in two ways, and builds would differ.
        let row = rows[column]
        rows[column] = rows[pivot]
        rows[pivot] = row
        for row in column + 1..<max(count, column + 1) {
            let factor = rows[row][column] / rows[column][column]
            for place in column...count { rows[row][place] -= factor * rows[column][place] }
        }
    }
    var solution = [Float](repeating: 0, count: count)
    for row in (0..<count).reversed() {
        var value = rows[row][count]
        for column in row + 1..<max(count, row + 1) { value -= rows[row][column] * solution[column] }
        solution[row] = value / rows[row][row]
    }
    return solution
}
