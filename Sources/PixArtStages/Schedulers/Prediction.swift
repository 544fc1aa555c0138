import PixArtCompute

/// What a model predicts from noisy latents.
package enum Prediction: String, CaseIterable, Sendable {
    case epsilon, sample
    case velocity = "v_prediction"

    /// The noiseless latents, where those that the model saw are `level.alpha` times these plus `level.sigma` times
    /// noise.
    func original(_ output: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        switch self {
        case .epsilon: zip(sample, output).map { ($0 - level.sigma * $1) / level.alpha }
        case .sample: output
        case .velocity: zip(sample, output).map { level.alpha * $0 - level.sigma * $1 }
        }
    }

    /// The noise, likewise.
    func epsilon(_ output: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        switch self {
        case .epsilon: output
        case .sample: Self.epsilon(original: output, sample, level)
        case .velocity: zip(sample, output).map { level.alpha * $1 + level.sigma * $0 }
        }
    }

    /// The noise that noisy latents hold beside the noiseless ones.
    static func epsilon(original: [Float], _ sample: [Float], _ level: NoiseLevel) -> [Float] {
        zip(sample, original).map { ($0 - level.alpha * $1) / level.sigma }
    }

    /// The noiseless latents, where those of the run are these plus `sigma` times noise.
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

/// Weights of picture and noise in noisy latents.
package struct NoiseLevel: Sendable {
    let alpha: Float
    let sigma: Float

    init(alpha: Float, sigma: Float) {
        self.alpha = alpha
        self.sigma = sigma
    }

    /// From noise in units of the picture.
    init(_ sigma: Float) {
        alpha = 1 / (sigma * sigma + 1).squareRoot()
        self.sigma = sigma * alpha
    }

    /// From the product of alphas up to a timestep.
    init(product: Float) {
        alpha = product.squareRoot()
        sigma = (1 - product).squareRoot()
    }

    /// Half the logarithm of signal over noise.
    var lambda: Float { .log(alpha) - .log(sigma) }
}

/// The sum of arrays of one size, each times its weight, one after the other.
func combination(_ terms: (Float, [Float])...) -> [Float] { combination(terms) }

func combination(_ terms: [(Float, [Float])]) -> [Float] {
    guard let (weight, values) = terms.first else { return [] }
    var sum = values.map { weight * $0 }
    for (weight, values) in terms.dropFirst() {
        for index in sum.indices { sum[index] += weight * values[index] }
    }
    return sum
}

/// What is done to predicted pictures that go too far.
package enum Clipping: Sendable, Equatable {
    case none
    case range(Float)
    /// At a quantile of each image's values, which is from 1 to `maximum`.
    case dynamic(ratio: Float, maximum: Float)

    /// From `thresholding`, and from `clip_sample` where the scheduler has it.
    init(_ settings: SchedulerSettings, clips: Bool = false) {
        if settings.boolean("thresholding") {
            self = .dynamic(
                ratio: Float(settings.number("dynamic_thresholding_ratio")),
                maximum: Float(settings.number("sample_max_value")))
        } else if clips, settings.boolean("clip_sample") {
            self = .range(Float(settings.number("clip_sample_range")))
        } else {
            self = .none
        }
    }

    func callAsFunction(_ original: [Float], images: Int) -> [Float] {
        switch self {
        case .none: return original
        case .range(let range): return original.map { min(max($0, -range), range) }
        case .dynamic(let ratio, let maximum):
            let size = original.count / images
            return (0..<images).flatMap { image -> [Float] in
                let values = original[image * size..<(image + 1) * size]
                let bound = min(max(Self.quantile(values.map { abs($0) }, ratio), 1), maximum)
                return values.map { min(max($0, -bound), bound) / bound }
            }
        }
    }

    /// `torch.quantile` between neighbours.
    private static func quantile(_ values: [Float], _ ratio: Float) -> Float {
        let sorted = values.sorted()
        let rank = ratio * Float(sorted.count - 1)
        let low = Int(rank)
        let (start, end) = (sorted[low], sorted[min(low + 1, sorted.count - 1)])
        let weight = rank - Float(low)
        return weight < 0.5 ? start + weight * (end - start) : end - (end - start) * (1 - weight)
    }
}
