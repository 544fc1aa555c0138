import PixArtCompute
import PixArtStorage

/// Three convolutions with ReLU between them, added to their input, then ReLU.
struct TinyBlock: Sendable {
    private let convolutions: (Convolution, Convolution, Convolution)

    init(_ name: String, channels: Int, _ reader: WeightReader) throws(PixArtError) {
        func convolution(_ index: Int) throws(PixArtError) -> Convolution {
            try reader.convolution("\(name).conv.\(index)", outputs: channels, inputs: channels)
        }
        convolutions = (try convolution(0), try convolution(2), try convolution(4))
    }

    /// Changes `x` in place.
    func callAsFunction(_ x: FeatureMap, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError) {
        func map() throws(PixArtError) -> FeatureMap {
            try FeatureMap(height: x.height, width: x.width, channels: x.channels, buffers)
        }
        let first = try map()
        try convolutions.0.apply(to: x, into: first, relu: true, pool, buffers)
        let second = try map()
        try WinogradConvolution(convolutions.1, pool, buffers).consume(first, into: second, relu: true, pool)
        try convolutions.2.apply(to: second, into: x, accumulate: true, relu: true, pool, buffers)
    }
}
