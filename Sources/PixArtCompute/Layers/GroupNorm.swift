import PixArtStorage

/// Sums of the values and of their squares for each channel, in double precision.
package struct ChannelStatistics: Sendable {
    package private(set) var pixels = 0
    package private(set) var sum: [Double]
    package private(set) var square: [Double]

    /// Over no pixels.
    package init(channels: Int) {
        sum = [Double](repeating: 0, count: channels)
        square = sum
    }

    /// Adds the sums over other pixels, slice by slice. So the order of additions depends on the slices alone.
    mutating func add(_ slices: PartialStatistics, pixels: Int) {
        self.pixels += pixels
        for slice in 0..<slices.count {
            let part = slices[slice]
            for channel in sum.indices {
                sum[channel] += part.sum[channel]
                square[channel] += part.square[channel]
            }
        }
    }
}

/// A scale and a shift for each channel, optionally followed by SiLU: group norm once its statistics are known.
package struct ChannelAffine: Sendable {
    package let scale: [Float]
    package let shift: [Float]
    package let silu: Bool

    package init(scale: [Float], shift: [Float], silu: Bool) {
        precondition(scale.count == shift.count)
        self.scale = scale
        self.shift = shift
        self.silu = silu
    }

    /// Transforms pixels [rows, channels] without gaps between rows. `output` may be `pixels`.
    package func apply(to pixels: Matrix, into output: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        precondition(pixels.columns == scale.count && pixels.stride == scale.count)
        precondition(output.rows == pixels.rows && output.columns == scale.count && output.stride == scale.count)
        try pool.run(total: pixels.rows, grain: 256) { range, _ in
            pool.kernels.table.pointee.transform_pixels(
                range.count, scale.count, pixels.row(range.lowerBound), scale, shift, silu ? 1 : 0,
                output.row(range.lowerBound))
        }
    }
}

/// Group norm with learned scale and shift.
package struct GroupNorm: Sendable {
    package let groups: Int
    package let epsilon: Float
    package let weight: [Float]
    package let bias: [Float]

    package init(groups: Int, epsilon: Float, weight: [Float], bias: [Float]) {
        self.groups = groups
        self.epsilon = epsilon
        self.weight = weight
        self.bias = bias
    }

    /// The affine transform that normalizes pixels with these statistics.
    package func transform(of sums: ChannelStatistics, silu: Bool) -> ChannelAffine {
        let channels = sums.sum.count
        var scale = [Float](repeating: 0, count: channels)
        var shift = scale
        let width = channels / groups
        for group in 0..<groups {
            let members = group * width..<(group + 1) * width
            let count = Double(width * sums.pixels)
            let mean = members.reduce(0) { $0 + sums.sum[$1] } / count
            let variance = max(0, members.reduce(0) { $0 + sums.square[$1] } / count - mean * mean)
            let inverse = 1 / (variance + Double(epsilon)).squareRoot()
            for channel in members {
                scale[channel] = Float(Double(weight[channel]) * inverse)
                shift[channel] = Float(Double(bias[channel]) - mean * inverse * Double(weight[channel]))
            }
        }
        return ChannelAffine(scale: scale, shift: shift, silu: silu)
    }
}

/// Partial sums, one for each slice. Workers share nothing, and the order of additions does not depend on them.
final class PartialStatistics: @unchecked Sendable {
    private let values: UnsafeMutablePointer<Double>
    let count: Int
    private let channels: Int

    init(slices: Int, channels: Int) {
        count = slices
        self.channels = channels
        values = .allocate(capacity: slices * channels * 2)
        values.initialize(repeating: 0, count: slices * channels * 2)
    }

    deinit { values.deallocate() }

    subscript(slice: Int) -> (sum: UnsafeMutablePointer<Double>, square: UnsafeMutablePointer<Double>) {
        precondition((0..<count).contains(slice))
        let start = values + slice * channels * 2
        return (start, start + channels)
    }

    func total(pixels: Int) -> ChannelStatistics {
        var total = ChannelStatistics(channels: channels)
        total.add(self, pixels: pixels)
        return total
    }
}

extension WeightReader {
    /// The group norm `<name>.weight` and `<name>.bias`, both [channels].
    package func groupNorm(
        _ name: String, channels: Int, groups: Int, epsilon: Float
    ) throws(PixArtError) -> GroupNorm {
        GroupNorm(
            groups: groups, epsilon: epsilon, weight: try floats("\(name).weight", [channels]),
            bias: try floats("\(name).bias", [channels]))
    }
}
