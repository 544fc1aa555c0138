import PixArtFormats
import PixArtStorage

/// Linear multistep: the direction is a polynomial through the directions of up to four steps.
///
/// This implementation matches diffusers' `LMSDiscreteScheduler` as a pipeline calls it, with order 4. Limitations: no
/// other order. Coefficients are exact integrals; diffusers integrates numerically.
package struct LMSDiscreteScheduler: SigmaScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "LMSDiscreteScheduler"

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise() + [SchedulerFields.prediction()] + SchedulerFields.sigmaSpacings
            + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let times: SigmaTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = try settings.choice("prediction_type")
            times = try SigmaTimesteps(settings, noise)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return LMSDiscreteScheduler(configuration: self, timesteps: timesteps, sigmas: sigmas + [0])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    private var directions = PredictionHistory(4)

    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let original = configuration.prediction.original(output, sample, sigma: sigma)
        let sigma = sigma
        directions.add(zip(sample, original).map { ($0 - $1) / sigma })
        // A run that begins later counts the earlier steps too, although their directions are unknown.
        let order = min(index + 1, 4)
        let change = linearCombination(
            (0..<directions.count).map { (Float(coefficient($0, of: order)), directions[$0]) })
        index += 1
        return SchedulerStep(sample: linearCombination((1, sample), (1, change)), predictedOriginal: original)
    }

    /// The integral over this step of the Lagrange polynomial that is 1 at the noise level `back` steps ago. Its
    /// degree is at most 3, so Gauss's formula with two points is exact.
    private func coefficient(_ back: Int, of order: Int) -> Double {
        let (start, end) = (Double(sigmas[index]), Double(sigmas[index + 1]))
        let (middle, half) = ((start + end) / 2, (end - start) / 2)
        let point = half / 3.0.squareRoot()
        func polynomial(_ place: Double) -> Double {
            let own = Double(sigmas[index - back])
            return (0..<order).filter { $0 != back }.reduce(1) { product, other in
                let level = Double(sigmas[index - other])
                return product * (place - level) / (own - level)
            }
        }
        return half * (polynomial(middle - point) + polynomial(middle + point))
    }
}
