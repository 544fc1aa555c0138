import Glibc
import PixArtCompute
import PixArtStorage

/// HED, holistically-nested edge detection: five levels of convolutions, each of which sees edges at its own scale.
///
/// This implementation matches the detector that PixArt-delta's ControlNets are trained with: the network
/// `ControlNetHED_Apache2`, then the resizing of its maps to the image, their mean, and a sigmoid.
package struct EdgeDetector: Sendable {
    /// Convolutions of one size, and the layer that turns their output into a map of edges.
    private struct Level: Sendable {
        let convolutions: [Convolution]
        let projection: Linear
    }

    private static let levels = [
        (channels: 64, convolutions: 2), (128, 2), (256, 3), (512, 3), (512, 3),
    ]

    /// Pixels along a side of the smallest image that has all levels.
    package static let minimumSide = 1 << (levels.count - 1)

    /// Subtracted from red, green and blue.
    private let mean: [Float]
    private let levels: [Level]

    /// Reads the weights by their names in `ControlNetHED.pth`. Fails with `.model`.
    package init(_ reader: WeightReader) throws(PixArtError) {
        reader.begin(.edgeDetector)
        mean = try reader.floats("norm", [1, 3, 1, 1])
        var levels: [Level] = []
        var inputs = 3
        for (index, (channels, count)) in Self.levels.enumerated() {
            let name = "block\(index + 1)"
            var convolutions: [Convolution] = []
            for number in 0..<count {
                convolutions.append(
                    try reader.convolution("\(name).convs.\(number)", outputs: channels, inputs: inputs))
                inputs = channels
            }
            levels.append(
                Level(
                    convolutions: convolutions,
                    projection: try reader.pointwise("\(name).projection", outputs: 1, inputs: channels)))
        }
        self.levels = levels
        try reader.finish()
    }

    /// The edges of an image whose channels are from 0 to 255: one channel from 0 to 1.
    package func callAsFunction(_ image: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap {
        let edges = try FeatureMap(height: image.height, width: image.width, channels: 1)
        for pixel in 0..<edges.pixels.rows { edges.pixels[pixel, 0] = 0 }
        let buffers = BufferPool()
        var x = image
        for (index, level) in levels.enumerated() {
            if index > 0 { x = try x.maximumOfFour(pool, buffers) }
            x = try features(of: x, level, centred: index == 0, pool, buffers)
            let map = try FeatureMap(height: x.height, width: x.width, channels: 1, buffers)
            try level.projection(x.pixels, into: map.pixels, pool)
            BilinearResize(from: map, height: edges.height, width: edges.width).add(to: edges)
            try CallProgress.report(share: Double(index + 1) / Double(levels.count))
        }
        for pixel in 0..<edges.pixels.rows {
            edges.pixels[pixel, 0] = 1 / (1 + expf(-edges.pixels[pixel, 0] / Float(levels.count)))
        }
        return edges
    }

    private func features(
        of input: FeatureMap, _ level: Level, centred: Bool, _ pool: ThreadPool, _ buffers: BufferPool
    ) throws(PixArtError) -> FeatureMap {
        var x = input
        for (index, convolution) in level.convolutions.enumerated() {
            let output = try FeatureMap(height: x.height, width: x.width, channels: convolution.outputs, buffers)
            let centring =
                centred && index == 0 ? ChannelAffine(scale: [1, 1, 1], shift: mean.map { -$0 }, silu: false) : nil
            try convolution.apply(to: x, transform: centring, into: output, relu: true, pool, buffers)
            x = output
        }
        return x
    }
}

extension FeatureMap {
    /// The greatest of each four pixels, by channel: half the height and width, rounded down.
    fileprivate func maximumOfFour(_ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError) -> FeatureMap {
        let result = try FeatureMap(height: height / 2, width: width / 2, channels: channels, buffers)
        try pool.run(total: result.height, grain: 8) { rows, _ in
            for y in rows {
                for x in 0..<result.width {
                    let upper = pixels.row(2 * y * width + 2 * x)
                    let lower = pixels.row((2 * y + 1) * width + 2 * x)
                    let target = result.pixels.row(y * result.width + x)
                    for channel in 0..<channels {
                        target[channel] = max(
                            max(upper[channel], upper[channels + channel]),
                            max(lower[channel], lower[channels + channel]))
                    }
                }
            }
        }
        return result
    }
}
