import PixArtCompute
import PixArtStorage

/// A decoded image in float32, before it is resized and converted to an output type.
///
/// This implementation matches: diffusers' `VaeImageProcessor` (resize_and_crop_tensor, denormalize, numpy_to_pil).
package struct DecodedImage {
    /// Pixels [height * width, 3] from about -1 to 1, rows from the top.
    private let map: FeatureMap

    package init(_ map: FeatureMap) { self.map = map }

    package var height: Int { map.height }
    package var width: Int { map.width }

    /// Resizes bilinearly to cover `height` x `width`, and crops to the centre.
    package func resizedAndCropped(height: Int, width: Int) throws(PixArtError) -> DecodedImage {
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
        return DecodedImage(result)
    }

    /// For the `middle` ones of `target` samples along one axis: the two samples of `source` that each lies between, by the
    /// centres of pixels.
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

    /// Writes the image as bytes from 0 to 255, rounded to the nearest and halves to even, [height, width, 3].
    package func writeBytes(to target: UnsafeMutableRawBufferPointer) {
        forEach { target[$0] = UInt8(($1 * 255).rounded(.toNearestOrEven)) }
    }

    /// Writes the image as float32 from 0 to 1, [height, width, 3].
    package func writeFloats(to target: UnsafeMutableRawBufferPointer) {
        let floats = target.bindMemory(to: Float.self)
        forEach { floats[$0] = $1 }
    }

    /// Calls `body` with the brightness of every channel of every pixel, in order.
    private func forEach(_ body: (_ index: Int, _ brightness: Float) -> Void) {
        var index = 0
        for pixel in 0..<map.pixels.rows {
            for channel in 0..<map.channels {
                body(index, Self.brightness(map.pixels[pixel, channel]))
                index += 1
            }
        }
    }
}
