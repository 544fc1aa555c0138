import PixArtCompute
import PixArtStorage

/// Two convolutions with group norm and SiLU, added to their input.
struct ResidualBlock: Sendable {
    let norms: (GroupNorm, GroupNorm)
    let convolutions: (Convolution, Convolution)
    /// A 1x1 convolution of the input, if the number of channels changes.
    let shortcut: Linear?

    init(_ name: String, inputs: Int, outputs: Int, groups: Int, _ reader: WeightReader) throws(PixArtError) {
        norms = (
            try reader.groupNorm("\(name).norm1", channels: inputs, groups: groups, epsilon: 1e-6),
            try reader.groupNorm("\(name).norm2", channels: outputs, groups: groups, epsilon: 1e-6)
        )
        convolutions = (
            try reader.convolution("\(name).conv1", outputs: outputs, inputs: inputs),
            try reader.convolution("\(name).conv2", outputs: outputs, inputs: outputs)
        )
        shortcut =
            inputs == outputs
            ? nil : try reader.pointwise("\(name).conv_shortcut", outputs: outputs, inputs: inputs)
    }

    /// Consumes `x`. If the number of channels stays the same, the sum is computed in place. Otherwise the input
    /// is freed from the top while the shortcut and the first convolution are written.
    func callAsFunction(_ x: FeatureMapWithStatistics, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let (input, outputs) = (x.map, convolutions.0.outputs)
        let hidden = try FeatureMap(height: input.height, width: input.width, channels: outputs, buffers)
        let normed = norms.0.transform(of: x.sums, silu: true)
        let sum: FeatureMap
        let hiddenSums: ChannelStatistics
        if let shortcut {
            sum = try FeatureMap(height: input.height, width: input.width, channels: outputs, buffers)
            let first = try WinogradConvolution(convolutions.0, pool, buffers)
            hiddenSums = try first.consume(input, transform: normed, into: hidden, pool) { rows throws(PixArtError) in
                let pixels = rows.lowerBound * input.width..<rows.upperBound * input.width
                try shortcut(input.pixels.rows(pixels), into: sum.pixels.rows(pixels), pool)
            }
        } else {
            sum = input
            hiddenSums = try convolutions.0.apply(to: input, transform: normed, into: hidden, pool, buffers)
        }
        let activated = norms.1.transform(of: hiddenSums, silu: true)
        let sums = try convolutions.1.apply(
            to: hidden, transform: activated, into: sum, accumulate: true, pool, buffers)
        return FeatureMapWithStatistics(map: sum, sums: sums)
    }
}
