import PixArtCompute

/// Pseudo numerical methods: Runge and Kutta's of fourth order for the first steps, then linear multistep.
///
/// This implementation matches: diffusers' `PNDMScheduler`.
/// Limitations: runs of fewer than 4 steps fail in diffusers unless `skip_prk_steps` is set; here they take as many
/// steps of Runge and Kutta's as there are, and a last one of the order that the directions at hand allow. No
/// prediction of samples, as there.
package struct PNDMScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "PNDMScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerField.noise() + [
                SchedulerField.prediction([.epsilon, .velocity]),
                .init(
                    "skip_prk_steps", .boolean, default: .bool(false),
                    "Begin with linear multistep at once, which takes one prediction for each step."),
                .init(
                    "set_alpha_to_one", .boolean, default: .bool(false),
                    "End without noise, and not at that of the first training timestep."),
            ] + SchedulerField.spacing(.leading)

        let noise: NoiseSchedule
        let prediction: Prediction
        let skipsRungeKutta: Bool
        let finalProduct: Float
        let spacing: TimestepSpacing
        let offset: Int

        package init(_ settings: SchedulerSettings) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = settings.choice("prediction_type")
            skipsRungeKutta = settings.boolean("skip_prk_steps")
            finalProduct = settings.boolean("set_alpha_to_one") ? 1 : noise.alphasCumulative[0]
            spacing = settings.choice("timestep_spacing")
            offset = settings.integer("steps_offset")
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            PNDMScheduler(
                configuration: self, falling: try noise.timesteps(spacing, plan.steps, offset: offset),
                distance: noise.count / plan.steps)
        }
    }

    private let configuration: Configuration
    private let rungeKutta: [Int]
    private let multistep: [Int]
    /// Timesteps that a step covers.
    private let distance: Int
    private var index = 0
    /// The last steps' outputs, the newest last.
    private var outputs: [[Float]] = []
    /// The sum of Runge and Kutta's outputs so far.
    private var sum: [Float] = []
    /// Where the step under way came from.
    private var start: [Float]?

    private init(configuration: Configuration, falling: [Int], distance: Int) {
        self.configuration = configuration
        self.distance = distance
        if configuration.skipsRungeKutta {
            rungeKutta = []
            multistep = Array(falling.prefix(2)) + falling.dropFirst()
        } else {
            // Each step looks at its start, twice half way to the next timestep, and there.
            let half = distance / 2
            rungeKutta = zip(falling.prefix(3), falling.dropFirst()).flatMap { from, to in
                [from, to + half, to + half, to]
            }
            multistep = Array(falling.dropFirst(min(3, falling.count - 1)))
        }
    }

    package var timesteps: [Float] { (rungeKutta + multistep).map { Float($0) } }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep {
        let timestep = index < rungeKutta.count ? rungeKutta[index] : multistep[index - rungeKutta.count]
        let level = NoiseLevel(product: configuration.noise.product(timestep))
        let original = configuration.prediction.original(output, sample, level)
        let next =
            index < rungeKutta.count
            ? rungeKuttaStep(output, sample, timestep) : multistepStep(output, sample, timestep)
        index += 1
        return SchedulerStep(sample: next, original: original)
    }

    private mutating func rungeKuttaStep(_ output: [Float], _ sample: [Float], _ timestep: Int) -> [Float] {
        let part = index % 4
        var direction = output
        switch part {
        case 0:
            sum = combination((1.0 / 6, output))
            outputs.append(output)
            start = sample
        case 1, 2: sum = combination((1, sum), (1.0 / 3, output))
        default: direction = combination((1, sum), (1.0 / 6, output))
        }
        let to = timestep - (part % 2 == 0 ? distance / 2 : 0)
        return moved(start ?? sample, direction, from: rungeKutta[index - part], to: to)
    }

    private mutating func multistepStep(_ output: [Float], _ sample: [Float], _ timestep: Int) -> [Float] {
        var (from, to, sample, direction) = (timestep, timestep - distance, sample, output)
        if index == 1 {
            // The first step once more, by the mean of its ends.
            (from, to) = (timestep + distance, timestep)
            direction = zip(output, outputs[0]).map { ($0 + $1) / 2 }
            sample = start ?? sample
        } else {
            outputs = outputs.suffix(3) + [output]
            let newest = Array(outputs.reversed())
            switch outputs.count {
            case 1: start = sample
            case 2: direction = combination((3, newest[0]), (-1, newest[1])).map { $0 / 2 }
            case 3: direction = combination((23, newest[0]), (-16, newest[1]), (5, newest[2])).map { $0 / 12 }
            default:
                direction = combination((55, newest[0]), (-59, newest[1]), (37, newest[2]), (-9, newest[3]))
                    .map { 1.0 / 24 * $0 }
            }
        }
        return moved(sample, direction, from: from, to: to)
    }

    /// Formula 9 of the paper.
    private func moved(_ sample: [Float], _ direction: [Float], from: Int, to: Int) -> [Float] {
        let product = configuration.noise.product(from)
        let next = to >= 0 ? configuration.noise.product(to) : configuration.finalProduct
        let epsilon =
            configuration.prediction == .velocity
            ? configuration.prediction.epsilon(direction, sample, NoiseLevel(product: product)) : direction
        let keep = (next / product).squareRoot()
        let divisor = product * (1 - next).squareRoot() + (product * (1 - product) * next).squareRoot()
        let change = next - product
        return zip(sample, epsilon).map { keep * $0 - change * $1 / divisor }
    }
}
