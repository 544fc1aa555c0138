import CNative

/// An image of many channels: `height * width` pixels, row by row, with a pixel's channels beside each other.
package struct FeatureMap: Sendable {
    package let height: Int
    package let width: Int
    /// The pixels as [height * width, channels], without gaps between rows.
    package let pixels: Matrix

    package var channels: Int { pixels.columns }

    /// A new map of undefined contents. Fails with `.memory`.
    package init(height: Int, width: Int, channels: Int) throws(PixArtError) {
        self.height = height
        self.width = width
        pixels = try Matrix(rows: height * width, columns: channels)
    }
}

/// A scale and a shift for each channel, and SiLU after them or not: group normalisation, once its statistics are known.
package struct ChannelTransform: Sendable {
    package let scale: [Float]
    package let shift: [Float]
    package let activate: Bool

    /// Transforms pixels [rows, channels], neither with gaps between rows.
    package func apply(to pixels: Matrix, into output: Matrix, _ pool: ThreadPool) {
        precondition(pixels.columns == scale.count && pixels.stride == scale.count)
        precondition(output.rows == pixels.rows && output.columns == scale.count && output.stride == scale.count)
        pool.run(total: pixels.rows, grain: 256) { range, _ in
            pool.kernels.table.pointee.pack_pixels(
                range.count, scale.count, scale.count, 0, pixels.row(range.lowerBound), scale, shift,
                activate ? 1 : 0, 1, output.row(range.lowerBound))
        }
    }
}

/// Group normalisation with learned scale and shift.
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

    /// The transform that normalises `map`. Statistics are taken in double precision.
    package func transform(of map: FeatureMap, activate: Bool, _ pool: ThreadPool) -> ChannelTransform {
        let channels = map.channels
        let slices = min(map.pixels.rows, pool.count * 4)
        let grain = (map.pixels.rows + slices - 1) / slices
        let sums = SliceSums(slices: slices, channels: channels)
        pool.run(total: map.pixels.rows, grain: grain) { range, _ in
            let (sum, square) = sums[range.lowerBound / grain]
            let rows = map.pixels.rows(range)
            pool.kernels.table.pointee.channel_sums(rows.rows, channels, rows.start, sum, square)
        }
        var scale = [Float](repeating: 0, count: channels)
        var shift = scale
        let width = channels / groups
        for group in 0..<groups {
            let members = group * width..<(group + 1) * width
            let count = Double(width * map.pixels.rows)
            let mean = members.reduce(0) { $0 + sums.total($1).sum } / count
            let variance = max(0, members.reduce(0) { $0 + sums.total($1).square } / count - mean * mean)
            let inverse = 1 / (variance + Double(epsilon)).squareRoot()
            for channel in members {
                scale[channel] = Float(Double(weight[channel]) * inverse)
                shift[channel] = Float(Double(bias[channel]) - mean * inverse * Double(weight[channel]))
            }
        }
        return ChannelTransform(scale: scale, shift: shift, activate: activate)
    }
}

/// Sums and sums of squares of each channel, gathered slice by slice so that workers do not meet.
private final class SliceSums: @unchecked Sendable {
    private let values: UnsafeMutablePointer<Double>
    private let slices: Int
    private let channels: Int

    init(slices: Int, channels: Int) {
        self.slices = slices
        self.channels = channels
        values = .allocate(capacity: slices * channels * 2)
        values.initialize(repeating: 0, count: slices * channels * 2)
    }

    deinit { values.deallocate() }

    subscript(slice: Int) -> (sum: UnsafeMutablePointer<Double>, square: UnsafeMutablePointer<Double>) {
        let start = values + slice * channels * 2
        return (start, start + channels)
    }

    func total(_ channel: Int) -> (sum: Double, square: Double) {
        var total = (sum: 0.0, square: 0.0)
        for slice in 0..<slices {
            total.sum += self[slice].sum[channel]
            total.square += self[slice].square[channel]
        }
        return total
    }
}

extension WeightReader {
    /// The group normalisation `<name>.weight` and `<name>.bias`, both [channels].
    package func groupNorm(
        _ name: String, channels: Int, groups: Int, epsilon: Float
    ) throws(PixArtError) -> GroupNorm {
        GroupNorm(
            groups: groups, epsilon: epsilon, weight: try floats("\(name).weight", [channels]),
            bias: try floats("\(name).bias", [channels]))
    }
}
