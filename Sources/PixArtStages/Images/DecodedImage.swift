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
        return DecodedImage(try BilinearResize(from: map, height: height, width: width, covering: covering).map())
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
