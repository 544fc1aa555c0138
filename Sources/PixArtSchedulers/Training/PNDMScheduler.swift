import PixArtFormats
import PixArtStorage

/// Pseudo numerical methods: Runge and Kutta's of fourth order for the first steps, then linear multistep.
///
/// This implementation matches: diffusers' `PNDMScheduler`.
/// Limitations: runs of fewer than 4 steps fail in diffusers unless `skip_prk_steps` is set; here they take as many
/// steps of Runge and Kutta's as there are, and a last one of the order that the directions at hand allow. No
/// prediction of samples, as there. A run that begins later starts with the first formula all the same, as there, which
/// suits only `skip_prk_steps`, and lags one step behind its timesteps from its second one on.
package struct PNDMScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "PNDMScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.prediction([.epsilon, .velocity]),
                .init(
                    "skip_prk_steps", .boolean, default: .bool(false),
                    "Begin with linear multistep at once, which takes one prediction for each step."),
                .init(
                    "set_alpha_to_one", .boolean, default: .bool(false),
                    "End without noise, and not at that of the first training timestep."),
            ] + SchedulerFields.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let skipsRungeKutta: Bool
        let finalProduct: Float
        let times: IntegerTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = settings.choice("prediction_type")
            skipsRungeKutta = settings.boolean("skip_prk_steps")
            finalProduct = settings.boolean("set_alpha_to_one") ? 1 : noise.alphasCumulative[0]
            times = IntegerTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            PNDMScheduler(configuration: self, falling: try times(plan), distance: noise.count / plan.steps)
        }
    }

    private let configuration: Configuration
    /// The steps of Runge and Kutta's method, each with four timesteps, then those of linear multistep.
    let times: [Int]
    private let rungeKutta: Int
    /// Timesteps that a step covers.
    private let distance: Int
    var index = 0
    /// Steps that were taken, which differs from `index` in a run that begins later: which formula it is follows from
    /// this alone.
    private var done = 0
    private var outputs = PredictionHistory(4)
    /// The sum of Runge and Kutta's outputs so far.
    private var sum: [Float] = []
    /// Where the step under way came from.
    private var start: [Float]?

    private init(configuration: Configuration, falling: [Int], distance: Int) {
        self.configuration = configuration
        self.distance = distance
        if configuration.skipsRungeKutta {
            rungeKutta = 0
            times = Array(falling.prefix(2)) + falling.dropFirst()
        } else {
            // Each step looks at its start, twice half way to the next timestep, and there.
            let half = distance / 2
            let first = zip(falling.prefix(3), falling.dropFirst()).flatMap { from, to in
                [from, to + half, to + half, to]
            }
            rungeKutta = first.count
            times = first + falling.dropFirst(min(3, falling.count - 1))
        }
    }

    var schedule: NoiseSchedule { configuration.noise }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let original = configuration.prediction.original(output, sample, schedule.level(times[index]))
        let next = done < rungeKutta ? rungeKuttaStep(output, sample) : multistepStep(output, sample)
        index += 1
        done += 1
        return SchedulerStep(sample: next, predictedOriginal: original)
    }

    private mutating func rungeKuttaStep(_ output: [Float], _ sample: [Float]) -> [Float] {
        let part = done % 4
        var direction = output
        switch part {
        case 0:
            sum = linearCombination((1.0 / 6, output))
            outputs.add(output)
            start = sample
        case 1, 2: sum = linearCombination((1, sum), (1.0 / 3, output))
        default: direction = linearCombination((1, sum), (1.0 / 6, output))
        }
        let to = times[index] - (part % 2 == 0 ? distance / 2 : 0)
        return moved(start ?? sample, direction, from: times[done - part], to: to)
    }

    private mutating func multistepStep(_ output: [Float], _ sample: [Float]) -> [Float] {
        let timestep = times[index]
        if done == 1 {
            // The first step once more, by the mean of its ends.
            let direction = zip(output, outputs[0]).map { ($0 + $1) / 2 }
            return moved(start ?? sample, direction, from: timestep + distance, to: timestep)
        }
        outputs.add(output)
        if done == 0 { start = sample }
        return moved(sample, multistepDirection, from: timestep, to: timestep - distance)
    }

    /// The polynomial through the outputs at hand, a step on.
    private var multistepDirection: [Float] {
        switch outputs.count {
        case 1: outputs[0]
        case 2: linearCombination((3, outputs[0]), (-1, outputs[1])).map { $0 / 2 }
        case 3: linearCombination((23, outputs[0]), (-16, outputs[1]), (5, outputs[2])).map { $0 / 12 }
        default:
            linearCombination((55, outputs[0]), (-59, outputs[1]), (37, outputs[2]), (-9, outputs[3])).map {
                1.0 / 24 * $0
            }
        }
    }

    /// Formula 9 of the paper.
    private func moved(_ sample: [Float], _ direction: [Float], from: Int, to: Int) -> [Float] {
        let product = schedule.product(from)
        let next = to >= 0 ? schedule.product(to) : configuration.finalProduct
        let epsilon =
            configuration.prediction == .velocity
            ? configuration.prediction.epsilon(direction, sample, NoiseLevel(product: product)) : direction
        let keep = (next / product).squareRoot()
        let divisor = product * (1 - next).squareRoot() + (product * (1 - product) * next).squareRoot()
        let change = next - product
        return zip(sample, epsilon).map { keep * $0 - change * $1 / divisor }
    }
}
