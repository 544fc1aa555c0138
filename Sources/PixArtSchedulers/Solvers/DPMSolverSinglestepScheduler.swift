import PixArtFormats
import PixArtStorage

/// DPM-Solver and DPM-Solver++ in groups of steps. The last step of a group starts again at the beginning of the
/// group.
///
/// This implementation matches diffusers' `DPMSolverSinglestepScheduler`, with custom `timesteps`. It switches to
/// `lower_order_final` too if the number of steps is no multiple of the order or the last step ends without noise.
/// Limitations: no flow matching, and no "sde-dpmsolver", as in diffusers.
package struct DPMSolverSinglestepScheduler: SolverScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "DPMSolverSinglestepScheduler"
        package static let takesTimesteps = true
        package static let sisterNames = DPMSolverSettings.sisterNames
        package static let unsupportedFields = DPMSolverSettings.unsupportedFields

        package static let fields: [OptionSchema.Property] = DPMSolverSettings.fields(
            [.noise, .image, .stochasticImage], lowerOrderFinal: false)

        let settings: DPMSolverSettings

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            let noise = try NoiseSchedule(settings)
            self.settings = try DPMSolverSettings(
                settings, noise, SolverTimesteps(settings, noise, spaces: false, repeats: true))
        }

        package var trainingTimesteps: Int { settings.noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try settings.levels(plan)
            let orders = orders(timesteps.count)
            for index in orders.indices.dropFirst() where sigmas[index - 1] == sigmas[index] {
                // Slopes are divided by the distance from the beginning of their group, and Heun's of
                // third order by other distances too.
                guard orders[index] == 1 || orders[index] == 3 && settings.solver == .midpoint else {
                    throw SolverTimesteps.tooManySteps(plan, most: timesteps.count - 1, spaces: false)
                }
            }
            return DPMSolverSinglestepScheduler(
                settings: settings, timesteps: timesteps, sigmas: sigmas, orders: orders,
                predictions: PredictionHistory(settings.order))
        }

        /// The order of each step.
        private func orders(_ steps: Int) -> [Int] {
            var orders = (0..<steps).map { $0 % settings.order + 1 }
            // If the number of steps is a multiple of the order, the last group is shortened; otherwise it
            // is short anyway.
            let endsEven = settings.lowerOrderFinal && steps % settings.order == 0
            if settings.finalSigma == .zero || endsEven { orders[steps - 1] = 1 }
            return orders
        }
    }

    private let settings: DPMSolverSettings
    package let timesteps: [Float]
    let sigmas: [Float]
    private let orders: [Int]
    var index = 0
    private var predictions: PredictionHistory
    /// Start of the current group of steps.
    private var start: [Float] = []

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let (prediction, original) = settings.prediction(output, sample, level(index), images: noise.images)
        predictions.add(prediction)
        let fresh = settings.algorithm.isStochastic ? noise.normal(sample.count) : nil
        // A run that begins within a group has fewer predictions.
        let order = min(orders[index], predictions.count)
        if order == 1 { start = sample }

        let begin = index - order + 1
        let update = DPMSolverUpdate(settings.algorithm, from: level(begin), to: level(index + 1))
        var terms = [(update.sample, start), (update.prediction, predictions[order - 1])]
        switch order {
        case 1: break
        case 2:
            terms.append((settings.solver == .midpoint ? update.midpointSlope : update.slope, slope(0, begin)))
        default:
            let (near, far) = (slope(1, begin), slope(0, begin))
            if settings.solver == .midpoint {
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
        return SchedulerStep(sample: linearCombination(terms), predictedOriginal: original)
    }

    /// The position of a step between the beginning and the end of its group.
    private func ratio(_ place: Int, _ begin: Int) -> Float {
        (lambda(place) - lambda(begin)) / (lambda(index + 1) - lambda(begin))
    }

    /// The slope from the beginning of the group to an earlier prediction.
    private func slope(_ back: Int, _ begin: Int) -> [Float] {
        let ratio = ratio(index - back, begin)
        return zip(predictions[back], predictions[index - begin]).map { 1 / ratio * ($0 - $1) }
    }
}
