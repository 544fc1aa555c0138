import PixArtFormats
import PixArtStorage

/// Pseudo numerical methods: fourth-order Runge-Kutta for the first steps, then linear multistep.
///
/// This implementation matches diffusers' `PNDMScheduler`. Limitations: without `skip_prk_steps`, runs of fewer than 4
/// steps fail in diffusers; here all their steps are Runge-Kutta, and the last one has the order that the known
/// directions allow. No prediction of samples, as in diffusers. A run that begins later starts with the first formula
/// anyway, as in diffusers. This suits only `skip_prk_steps`, and lags one step behind its timesteps from its second
/// step on.
package struct PNDMScheduler: TimestepScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "PNDMScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [
                SchedulerFields.prediction([.epsilon, .velocity]),
                .init(
                    "skip_prk_steps", .boolean, default: .bool(false),
                    "true: use linear multistep from the first step on, with one prediction for each step. false: begin with "
                        + "Runge-Kutta steps."),
                .init(
                    "set_alpha_to_one", .boolean, default: .bool(false),
                    "true: the last step ends at noise level 0. false: it ends at that of the first training timestep."),
            ] + SchedulerFields.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let skipsRungeKutta: Bool
        let finalAlphaCumulative: Float
        let times: IntegerTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = try settings.choice("prediction_type")
            skipsRungeKutta = try settings.boolean("skip_prk_steps")
            finalAlphaCumulative = try settings.boolean("set_alpha_to_one") ? 1 : noise.alphasCumulative[0]
            times = try IntegerTimesteps(settings, training: noise.count)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            PNDMScheduler(configuration: self, falling: try times(plan), distance: noise.count / plan.steps)
        }
    }

    private let configuration: Configuration
    /// The Runge-Kutta steps, with four timesteps each, then the linear multistep ones.
    let times: [Int]
    private let rungeKutta: Int
    /// Timesteps of a step.
    private let distance: Int
    var index = 0
    /// Number of completed steps. It differs from `index` in a run that begins later, and alone selects the
    /// formula.
    private var done = 0
    private var outputs = PredictionHistory(4)
    /// The sum of the Runge-Kutta outputs so far.
    private var sum: [Float] = []
    /// Start of the current step.
    private var start: [Float]?

    private init(configuration: Configuration, falling: [Int], distance: Int) {
        self.configuration = configuration
        self.distance = distance
        if configuration.skipsRungeKutta {
            rungeKutta = 0
            times = Array(falling.prefix(2)) + falling.dropFirst()
        } else {
            // Each step predicts at its start, twice at the midpoint to the next timestep, and at the end.
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
            // The first step again, with the mean of its ends.
            let direction = zip(output, outputs[0]).map { ($0 + $1) / 2 }
            return moved(start ?? sample, direction, from: timestep + distance, to: timestep)
        }
        outputs.add(output)
        if done == 0 { start = sample }
        return moved(sample, multistepDirection, from: timestep, to: timestep - distance)
    }

    /// The polynomial through the known outputs, extrapolated by a step.
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
        let alphaCumulative = schedule.alphaCumulative(from)
        let next = to >= 0 ? schedule.alphaCumulative(to) : configuration.finalAlphaCumulative
        let epsilon =
            configuration.prediction == .velocity
            ? configuration.prediction.epsilon(direction, sample, NoiseLevel(alphaCumulative: alphaCumulative))
            : direction
        let keep = (next / alphaCumulative).squareRoot()
        let divisor =
            alphaCumulative * (1 - next).squareRoot() + (alphaCumulative * (1 - alphaCumulative) * next).squareRoot()
        let change = next - alphaCumulative
        return zip(sample, epsilon).map { keep * $0 - change * $1 / divisor }
    }
}
