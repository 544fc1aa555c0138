import PixArtStorage

/// How predicted images with large values are limited.
package enum SampleClipping: Sendable, Equatable {
    case none
    case range(Float)
    /// At a quantile of each image's values, limited to 1 to `maximum`.
    case dynamic(ratio: Float, maximum: Float)

    /// From `thresholding`, and from `clip_sample` if the scheduler has it.
    init(_ settings: SchedulerOptions, clips: Bool = false) throws(PixArtError) {
        if try settings.boolean("thresholding") {
            self = .dynamic(
                ratio: Float(try settings.number("dynamic_thresholding_ratio")),
                maximum: Float(try settings.number("sample_max_value")))
        } else if clips, try settings.boolean("clip_sample") {
            self = try .range(Float(settings.number("clip_sample_range")))
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

    /// `torch.quantile`, interpolated.
    private static func quantile(_ values: [Float], _ ratio: Float) -> Float {
        let sorted = values.sorted()
        let rank = ratio * Float(sorted.count - 1)
        let low = Int(rank)
        let (start, end) = (sorted[low], sorted[min(low + 1, sorted.count - 1)])
        let weight = rank - Float(low)
        return weight < 0.5 ? start + weight * (end - start) : end - (end - start) * (1 - weight)
    }
}
