import PixArtCompute

/// A decoded picture in floating point, on its way to what people look at.
///
/// This implementation matches: diffusers' `VaeImageProcessor` (resize_and_crop_tensor, denormalize, numpy_to_pil).
package struct Picture {
    /// Pixels [height * width, 3] from about -1 to 1, rows from the top.
    private let map: FeatureMap

    package init(_ map: FeatureMap) { self.map = map }

    /// Resizes bilinearly to cover `height` x `width`, and cuts out the middle.
    package func resizedAndCropped(height: Int, width: Int) throws(PixArtError) -> Picture {
        guard map.height != height || map.width != width else { return self }
        let ratio = max(Double(height) / Double(map.height), Double(width) / Double(map.width))
        // Rounding down must not leave a pixel uncovered.
        let covering = (
            height: max(Int(Double(map.height) * ratio), height), width: max(Int(Double(map.width) * ratio), width)
        )
        let rows = Self.samples(from: map.height, to: covering.height, middle: height)
        let columns = Self.samples(from: map.width, to: covering.width, middle: width)
        let result = try FeatureMap(height: height, width: width, channels: map.channels)
        for (y, row) in rows.enumerated() {
            for (x, column) in columns.enumerated() {
                for channel in 0..<map.channels {
                    func pixel(_ y: Int, _ x: Int) -> Float { map.pixels[y * map.width + x, channel] }
                    let upper =
                        pixel(row.first, column.first) * (1 - column.weight)
                        + pixel(row.first, column.second) * column.weight
                    let lower =
                        pixel(row.second, column.first) * (1 - column.weight)
                        + pixel(row.second, column.second) * column.weight
                    result.pixels[y * width + x, channel] = upper * (1 - row.weight) + lower * row.weight
                }
            }
        }
        return Picture(result)
    }

    /// Where the `middle` ones of `target` samples along one axis lie between two of `source`, by the middles of pixels.
    private static func samples(
        from source: Int, to target: Int, middle: Int
    ) -> [(first: Int, second: Int, weight: Float)] {
        let scale = Float(source) / Float(target)
        let start = (target - middle) / 2
        return (start..<start + middle).map { index in
            let position = max(scale * (Float(index) + 0.5) - 0.5, 0)
            let first = min(Int(position), source - 1)
            return (first, min(first + 1, source - 1), position - Float(first))
        }
    }

    /// From -1 ... 1 to 0 ... 1, clamped; 0 for NaN.
    private static func brightness(_ value: Float) -> Float { .minimum(.maximum(value * 0.5 + 0.5, 0), 1) }

    /// The picture as 0 ... 255, rounded to the nearest and halves to even, [height, width, 3].
    package var bytes: [UInt8] {
        map.pixels.elements.map { UInt8((Self.brightness($0) * 255).rounded(.toNearestOrEven)) }
    }

    /// The picture as 0 ... 1, [height, width, 3].
    package var floats: [Float] { map.pixels.elements.map(Self.brightness) }
}
