import PixArtFormats
import PixArtStorage

/// DPM-Solver and DPM-Solver++ with the predictions of several steps.
///
/// This implementation matches diffusers' `DPMSolverMultistepScheduler`, all algorithms, orders, noise levels and
/// timestep spacings, with custom `timesteps`. Limitations: no flow matching; `solver_order` 3 with "sde-dpmsolver" is
/// an error, because diffusers has no such step. If the first two timesteps are equal, diffusers starts at the second
/// one and fails at the end; this scheduler continues.
package struct DPMSolverMultistepScheduler: SolverScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DPMSolverMultistepScheduler"
        package static let takesTimesteps = true
        package static let sisterNames = DPMSolverSettings.sisterNames
        package static let unsupportedFields = DPMSolverSettings.unsupportedFields

        package static let fields: [OptionSchema.Property] =
            DPMSolverSettings.fields(DPMSolverAlgorithm.allCases, lowerOrderFinal: true) + [
                .init(
                    "euler_at_final", .boolean, default: .bool(false),
                    "Use first order in the last step, whatever lower_order_final is."),
                .init(
                    "use_lu_lambdas", .boolean, default: .bool(false),
                    "Space noise levels in equal steps of the logarithm, as Lu et al. do."),
                SchedulerFields.zeroSNR,
            ] + SchedulerFields.spacing(.linspace)

        let settings: DPMSolverSettings
        let eulerAtFinal: Bool

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            let noise = try NoiseSchedule(settings, rescales: true, floor: true)
            let isCosine = try (settings.choice("beta_schedule") as NoiseSchedule.Betas) == .cosine
            let times = try SolverTimesteps(
                settings, noise, rounded: isCosine ? [] : [.karras, .lu], hasLu: true,
                repeats: try settings.integer("solver_order") == 1)
            self.settings = try DPMSolverSettings(settings, noise, times)
            eulerAtFinal = try settings.boolean("euler_at_final")
            guard self.settings.algorithm != .stochasticNoise || self.settings.order < 3 else {
                throw settings.conflict("solver_order", expected: "1 or 2 with algorithm_type \"sde-dpmsolver\"")
            }
        }

        package var trainingTimesteps: Int { settings.noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try settings.levels(plan)
            return DPMSolverMultistepScheduler(
                settings: settings, eulerAtFinal: eulerAtFinal, timesteps: timesteps, sigmas: sigmas,
                predictions: PredictionHistory(settings.order))
        }
    }

    private let settings: DPMSolverSettings
    private let eulerAtFinal: Bool
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    private var predictions: PredictionHistory

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let (prediction, original) = settings.prediction(output, sample, level(index), images: noise.images)
        predictions.add(prediction)
        let fresh = settings.algorithm.isStochastic ? noise.normal(sample.count) : nil

        let update = DPMSolverUpdate(settings.algorithm, from: level(index), to: level(index + 1))
        var terms: [(Float, [Float])] = [(update.sample, sample), (update.prediction, prediction)]
        switch stepOrder {
        case 1: break
        case 2:
            let weight = settings.solver == .midpoint ? update.midpointSlope : update.slope
            terms.append((weight, predictions.slope(0, over: distance(0))))
        default:
            let (slope, curvature) = thirdOrderSlopes()
            terms += [(update.slope, slope), (update.curvature, curvature)]
        }
        if let fresh { terms.append((update.noise, fresh)) }
        index += 1
        return SchedulerStep(sample: linearCombination(terms), predictedOriginal: original)
    }

    /// Predictions that the next step uses.
    private var stepOrder: Int {
        let left = timesteps.count - index
        let isShort = settings.lowerOrderFinal && timesteps.count < 15
        if left == 1, isShort || eulerAtFinal || settings.finalSigma == .zero { return 1 }
        return min(predictions.count, left == 2 && isShort ? 2 : 3)
    }

    /// The length of an earlier step, relative to this one.
    private func distance(_ back: Int) -> Float {
        let h = lambda(index + 1) - lambda(index)
        return (lambda(index - back) - lambda(index - back - 1)) / h
    }

    private func thirdOrderSlopes() -> (slope: [Float], curvature: [Float]) {
        let (near, far) = (predictions.slope(0, over: distance(0)), predictions.slope(1, over: distance(1)))
        let (ratio, sum) = (distance(0), distance(0) + distance(1))
        let slope = zip(near, far).map { $0 + ratio / sum * ($0 - $1) }
        return (slope, zip(near, far).map { 1 / sum * ($0 - $1) })
    }
}
