/// What a model predicts from noisy latents.
package enum Prediction: String, CaseIterable, Sendable {
    case epsilon, sample
    case velocity = "v_prediction"

    /// The noiseless latents, if the model's input is `level.alpha` times these plus `level.sigma` times noise.
    func original(_ output: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        switch self {
        case .epsilon: zip(sample, output).map { ($0 - level.sigma * $1) / level.alpha }
        case .sample: output
        case .velocity: zip(sample, output).map { level.alpha * $0 - level.sigma * $1 }
        }
    }

    /// The noise, under the same condition.
    func epsilon(_ output: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        switch self {
        case .epsilon: output
        case .sample: Self.epsilon(original: output, sample, level)
        case .velocity: zip(sample, output).map { level.alpha * $1 + level.sigma * $0 }
        }
    }

    /// The noise in noisy latents, given the noiseless ones.
    static func epsilon(original: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        zip(sample, original).map { ($0 - level.alpha * $1) / level.sigma }
    }

    /// The noiseless latents, if the run's latents are these plus `sigma` times noise.
    func original(_ output: [Float], _ sample: [Float], sigma: Float) -> [Float] {
        switch self {
        case .epsilon: return zip(sample, output).map { $0 - sigma * $1 }
        case .sample: return output
        case .velocity:
            let square = sigma * sigma + 1
            let (take, keep) = (-sigma / square.squareRoot(), square)
            return zip(sample, output).map { $1 * take + $0 / keep }
        }
    }
}
