import PixArtCompute
import PixArtFormats
import PixArtStorage

extension ImageBatch {
    /// One image as the input of a network, with the value of each byte by `value`. Fails with `.memory`.
    func map(_ index: Int, value: (UInt8) -> Float) throws(PixArtError) -> FeatureMap {
        let map = try FeatureMap(height: height, width: width, channels: channels)
        let values = (0...UInt8.max).map(value)
        for (position, byte) in bytes(index).enumerated() { map.pixels.start[position] = values[Int(byte)] }
        return map
    }
}
