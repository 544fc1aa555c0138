import PixArtStorage

/// A 3x3 convolution with padding 1. Its weights keep their stored precision.
package struct Convolution: Sendable {
    package let weight: WeightMatrix
    package let bias: [Float]
    package let inputs: Int
    package var outputs: Int { weight.outputs }

    package init(weight: WeightMatrix, bias: [Float]) {
        self.weight = weight
        self.bias = bias
        inputs = weight.inputs / 9
    }

    /// Runs once; see `WinogradConvolution`.
    @discardableResult
    package func apply(
        to input: FeatureMap, transform: ChannelAffine? = nil, into output: FeatureMap, accumulate: Bool = false,
        relu: Bool = false, _ pool: ThreadPool, _ buffers: BufferPool? = nil
    ) throws(PixArtError) -> ChannelStatistics {
        try WinogradConvolution(self, pool, buffers)(
            input, transform: transform, into: output, accumulate: accumulate, relu: relu, pool)
    }
}

extension WeightReader {
    /// The convolution `<name>.weight`, [outputs, inputs, 3, 3], with `<name>.bias`, [outputs], if `bias` is true.
    package func convolution(
        _ name: String, outputs: Int, inputs: Int, bias: Bool = true
    ) throws(PixArtError) -> Convolution {
        Convolution(
            weight: try matrix("\(name).weight", outputs: outputs, channels: inputs, kernel: 3, minimum: .bfloat16),
            bias: bias ? try floats("\(name).bias", [outputs]) : [Float](repeating: 0, count: outputs))
    }

    /// The 1x1 convolution `<name>.weight`, [outputs, inputs, 1, 1], with `<name>.bias`, as a linear layer over
    /// pixels.
    package func pointwise(_ name: String, outputs: Int, inputs: Int) throws(PixArtError) -> Linear {
        Linear(
            weight: try matrix("\(name).weight", outputs: outputs, channels: inputs, kernel: 1),
            bias: try floats("\(name).bias", [outputs]))
    }
}
