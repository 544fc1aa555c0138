import Glibc
import PixArtStorage

/// Resizes images with the Lanczos filter of three lobes. The filter widens when it reduces, so nothing aliases.
///
/// This implementation matches Pillow's `Image.resize` with `LANCZOS`, and diffusers' `VaeImageProcessor.resize` for
/// its modes "default" and "crop". Limitation: Pillow premultiplies colours by alpha; here channels are resized
/// separately.
package enum ImageResize {
    /// Resizes images uint8 [B, H, W, C] or [H, W, C] with 1, 3 or 4 channels to [.., height, width, C]. nil keeps
    /// the height or width.
    ///
    /// With `crops` the images keep their proportions, cover height and width, and are cropped at the center.
    /// Otherwise they are stretched. Fails with `.argument` and `.memory`.
    package static func resized(
        _ images: Tensor, height: Int?, width: Int?, crops: Bool
    ) throws(PixArtError) -> Tensor {
        let batch = try ImageBatch(images, "images", channels: [1, 3, 4])
        let (height, width) = (height ?? batch.height, width ?? batch.width)
        var cover = (height: height, width: width)
        if crops {
            let isWider = Double(width) / Double(height) > Double(batch.width) / Double(batch.height)
            if isWider {
                cover.height = batch.height * width / batch.width
            } else {
                cover.width = batch.width * height / batch.height
            }
        }
        let columns = Resampling(from: batch.width, to: cover.width, middle: width)
        let rows = Resampling(from: batch.height, to: cover.height, middle: height)
        // The order of the axes matters because intermediate values are rounded. This is the order of Pillow
        // since version 13.
        let (shorter, narrower) = (batch.height - cover.height, batch.width - cover.width)
        let isTall = shorter > 0 && shorter > 2 * narrower
        let shape = images.shape.dropLast(3) + [height, width, batch.channels]
        let between = try AlignedBuffer(
            count: (max(rows.sources.count * width, height * batch.width) * batch.channels + 3) / 4)
        let work = UnsafeMutableRawPointer(between.start).assumingMemoryBound(to: UInt8.self)
        return try Tensor(.uint8, shape: Array(shape)) { target in
            guard let start = target.bindMemory(to: UInt8.self).baseAddress else { return }
            for index in 0..<batch.count {
                guard let image = batch.bytes(index).bindMemory(to: UInt8.self).baseAddress else { return }
                let result = start + index * height * width * batch.channels
                let (source, line) = (batch.width * batch.channels, width * batch.channels)
                if isTall {
                    rows.apply(to: image, elements: source, into: work)
                    for row in 0..<height {
                        columns.apply(to: work + row * source, elements: batch.channels, into: result + row * line)
                    }
                } else {
                    let lines = rows.sources
                    for row in lines {
                        let place = work + (row - lines.lowerBound) * line
                        columns.apply(to: image + row * source, elements: batch.channels, into: place)
                    }
                    rows.apply(to: work, first: lines.lowerBound, elements: line, into: result)
                }
            }
            withExtendedLifetime(between) {}
        }
    }
}

/// The source samples of each target sample along one axis, and their fixed-point weights.
private struct Resampling {
    private struct Output {
        /// The first of the samples.
        let first: Int
        /// Times 2^22, rounded.
        let weights: [Int32]
    }

    /// Fractional bits of a weight.
    private static let precision = 22
    private let outputs: [Output]

    /// Weights of the `middle` samples of `target` samples of an axis with `source` samples.
    init(from source: Int, to target: Int, middle: Int) {
        let start = target / 2 - middle / 2
        let scale = Double(source) / Double(target)
        let stretch = max(scale, 1)
        let shrink = 1 / stretch
        outputs = (start..<start + middle).map { index in
            guard source != target else { return Output(first: index, weights: [1 << Self.precision]) }
            let center = (Double(index) + 0.5) * scale
            let support = 3 * stretch
            let first = max(Int(center - support + 0.5), 0)
            let end = min(Int(center + support + 0.5), source)
            let weights = (first..<end).map { Self.lanczos((Double($0) - center + 0.5) * shrink) }
            let sum = weights.reduce(0, +)
            return Output(
                first: first,
                weights: weights.map { weight in
                    Int32((weight / sum * Double(1 << Self.precision)).rounded(.toNearestOrAwayFromZero))
                })
        }
    }

    /// Range of the source samples that are read.
    var sources: Range<Int> {
        let first = outputs.map(\.first).min() ?? 0
        return first..<(outputs.map { $0.first + $0.weights.count }.max() ?? first)
    }

    /// out[i][e] = the weighted sum of source[j - first][e], rounded, for rows of as many elements.
    func apply(
        to source: UnsafePointer<UInt8>, first: Int = 0, elements: Int, into target: UnsafeMutablePointer<UInt8>
    ) {
        let half = Int32(1) << (Self.precision - 1)
        for (index, output) in outputs.enumerated() {
            output.weights.withUnsafeBufferPointer { weights in
                let start = source + (output.first - first) * elements
                for element in 0..<elements {
                    var sum = half
                    for place in 0..<weights.count {
                        sum &+= weights[place] &* Int32(start[place * elements + element])
                    }
                    target[index * elements + element] = UInt8(clamping: sum >> Int32(Self.precision))
                }
            }
        }
    }

    private static func lanczos(_ x: Double) -> Double {
        guard x >= -3, x < 3 else { return 0 }
        return sinc(x) * sinc(x / 3)
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}
