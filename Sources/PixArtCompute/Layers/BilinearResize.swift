import PixArtStorage

/// Resizes a map bilinearly, by the centres of pixels, as PyTorch's `interpolate` does with `align_corners` false.
package struct BilinearResize {
    /// The two samples of the source that a sample lies between, and the share of the second.
    private typealias Sample = (first: Int, second: Int, weight: Float)

    private let source: FeatureMap
    private let rows, columns: [Sample]

    /// To the size `height` x `width`. If `covering` is another size, to that size, cropped to the centre.
    package init(
        from source: FeatureMap, height: Int, width: Int, covering: (height: Int, width: Int)? = nil
    ) {
        self.source = source
        rows = Self.samples(from: source.height, to: covering?.height ?? height, middle: height)
        columns = Self.samples(from: source.width, to: covering?.width ?? width, middle: width)
    }

    /// For the `middle` ones of `target` samples along one axis.
    private static func samples(from source: Int, to target: Int, middle: Int) -> [Sample] {
        let scale = Float(source) / Float(target)
        let start = (target - middle) / 2
        return (start..<start + middle).map { index in
            let position = max(scale * (Float(index) + 0.5) - 0.5, 0)
            let first = min(Int(position), source - 1)
            return (first, min(first + 1, source - 1), position - Float(first))
        }
    }

    /// The resized map.
    package func map() throws(PixArtError) -> FeatureMap {
        let result = try FeatureMap(height: rows.count, width: columns.count, channels: source.channels)
        forEach { index, value in result.pixels.start[index] = value }
        return result
    }

    /// Adds the resized map to `target`, which has its size.
    package func add(to target: FeatureMap) {
        precondition(target.height == rows.count && target.width == columns.count)
        forEach { index, value in target.pixels.start[index] += value }
    }

    /// Calls `body` with every channel of every pixel, in order.
    private func forEach(_ body: (_ index: Int, _ value: Float) -> Void) {
        let (channels, pixels) = (source.channels, source.pixels.start)
        var index = 0
        for row in rows {
            for column in columns {
                for channel in 0..<channels {
                    func pixel(_ y: Int, _ x: Int) -> Float { pixels[(y * source.width + x) * channels + channel] }
                    let upper =
                        pixel(row.first, column.first) * (1 - column.weight)
                        + pixel(row.first, column.second) * column.weight
                    let lower =
                        pixel(row.second, column.first) * (1 - column.weight)
                        + pixel(row.second, column.second) * column.weight
                    body(index, upper * (1 - row.weight) + lower * row.weight)
                    index += 1
                }
            }
        }
    }
}
