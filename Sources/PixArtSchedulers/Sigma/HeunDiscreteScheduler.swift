import PixArtFormats
import PixArtStorage

/// Heun's method on the noise level. Each step but the last is computed twice, the second time with the mean of both
/// directions.
///
/// This implementation matches diffusers' `HeunDiscreteScheduler`, with custom `timesteps`. Limitations: none known.
package struct HeunDiscreteScheduler: SigmaScheduler {
    package struct Configuration: SchedulerConfiguration {
        package static let className = "HeunDiscreteScheduler"
        package static let takesTimesteps = true

        package static let fields: [OptionSchema.Property] =
            SchedulerFields.noise(start: 0.00085, end: 0.012, further: [.exponential]) + [SchedulerFields.prediction()]
            + SchedulerFields.clipping(false) + SchedulerFields.sigmaSpacings + SchedulerFields.spacing(.linspace)

        let noise: NoiseSchedule
        let prediction: Prediction
        let clipping: SampleClipping
        let times: SigmaTimesteps

        package init(_ settings: SchedulerOptions) throws(PixArtError) {
            noise = try NoiseSchedule(settings)
            prediction = try settings.choice("prediction_type")
            clipping =
                try settings.boolean("clip_sample") ? .range(Float(try settings.number("clip_sample_range"))) : .none
            times = try SigmaTimesteps(settings, noise)
        }

        package var trainingTimesteps: Int { noise.count }

        package func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
            let (timesteps, sigmas) = try times(plan)
            return HeunDiscreteScheduler(
                configuration: self,
                timesteps: Array(timesteps.prefix(1)) + timesteps.dropFirst().flatMap { [$0, $0] },
                sigmas: sigmas + [0])
        }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    let sigmas: [Float]
    var index = 0
    /// Start of the current step, and its first direction.
    private var start: (sample: [Float], direction: [Float])?

    package var order: Int { 2 }
    package var initialNoiseSigma: Float { configuration.times.initialSigma(sigmas) }

    var sigma: Float { sigmas[start == nil ? index : index + 1] }

    package mutating func step(output: [Float], sample: [Float], noise: inout NoiseGenerator) -> SchedulerStep {
        let original = configuration.clipping(
            configuration.prediction.original(output, sample, sigma: sigma), images: noise.images)
        let sigma = sigma
        let direction = zip(sample, original).map { ($0 - $1) / sigma }
        let distance = sigmas[index + 1] - sigmas[index]
        let next: [Float]
        if let (from, first) = start {
            next = from.indices.map { from[$0] + (first[$0] + direction[$0]) / 2 * distance }
            start = nil
            index += 1
        } else {
            next = linearCombination((1, sample), (distance, direction))
            if index < sigmas.count - 2 { start = (sample, direction) } else { index += 1 }
        }
        return SchedulerStep(sample: next, predictedOriginal: original)
    }
}
