import Foundation
import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Convolutions and group norm against naive implementations in double precision.
@Suite struct ConvolutionTests {
    private let pool = try! ThreadPool(threads: 2)

    private struct Case: CustomStringConvertible {
        let inputs, outputs, height, width: Int
        var upsample = false, normalise = false, accumulate = false, relu = false
        var type = ElementType.float32
        var description: String {
            "\(inputs) -> \(outputs), \(height) x \(width), \(type)"
                + (upsample ? ", upsampled" : "") + (normalise ? ", normalised" : "") + (accumulate ? ", added" : "")
                + (relu ? ", with ReLU" : "")
        }
    }

    /// Channels that fill vectors and panels and that do not, maps that tiles and blocks divide and that they do
    /// not, single pixels, more than one block in each direction.
    private static let cases = [
        Case(inputs: 4, outputs: 32, height: 8, width: 12),
        Case(inputs: 32, outputs: 3, height: 19, width: 23, normalise: true),
        Case(inputs: 32, outputs: 32, height: 37, width: 70, normalise: true),
        Case(inputs: 32, outputs: 16, height: 37, width: 9, normalise: true, accumulate: true),
        Case(inputs: 48, outputs: 80, height: 9, width: 66, normalise: true, accumulate: true),
        Case(inputs: 20, outputs: 17, height: 5, width: 7, normalise: true, accumulate: true),
        Case(inputs: 17, outputs: 4, height: 3, width: 130),
        Case(inputs: 3, outputs: 1, height: 70, width: 2),
        Case(inputs: 16, outputs: 16, height: 1, width: 1),
        Case(inputs: 1, outputs: 1, height: 1, width: 6, accumulate: true),
        Case(inputs: 16, outputs: 16, height: 22, width: 30, upsample: true),
        Case(inputs: 32, outputs: 48, height: 34, width: 74, upsample: true),
        Case(inputs: 5, outputs: 6, height: 2, width: 2, upsample: true, accumulate: true),
        Case(inputs: 20, outputs: 33, height: 6, width: 10, upsample: true, normalise: true),
        Case(inputs: 32, outputs: 16, height: 6, width: 5, type: .bfloat16),
        Case(inputs: 7, outputs: 35, height: 6, width: 5, type: .float16),
        Case(inputs: 32, outputs: 32, height: 13, width: 21, relu: true),
        Case(inputs: 20, outputs: 19, height: 9, width: 7, accumulate: true, relu: true),
    ]

    private func naive(
        _ input: FeatureMap, _ transformed: [Double], _ weights: [Float], _ bias: [Float], _ test: Case
    ) -> [Double] {
        let factor = test.upsample ? 2 : 1
        return (0..<test.height * test.width).flatMap { pixel in
            (0..<test.outputs).map { output in
                var sum = Double(bias[output])
                for (dy, dx) in (-1...1).flatMap({ dy in (-1...1).map { (dy, $0) } }) {
                    let (y, x) = (pixel / test.width + dy, pixel % test.width + dx)
                    guard (0..<test.height).contains(y), (0..<test.width).contains(x) else { continue }
                    let source = (y / factor * input.width + x / factor) * test.inputs
                    for channel in 0..<test.inputs {
                        let weight = weights[((output * test.inputs + channel) * 3 + dy + 1) * 3 + dx + 1]
                        sum += Double(weight) * transformed[source + channel]
                    }
                }
                return sum
            }
        }
    }

    @Test(arguments: cases, Kernels.available)
    private func convolution(_ test: Case, instructions: String) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        var numbers = Numbers(seed: UInt64(test.inputs))
        let factor = test.upsample ? 2 : 1
        let input = try FeatureMap(height: test.height / factor, width: test.width / factor, channels: test.inputs)
        input.pixels.copy(from: try numbers.matrix(input.pixels.rows, test.inputs))
        let output = try FeatureMap(height: test.height, width: test.width, channels: test.outputs)
        output.pixels.copy(from: try numbers.matrix(output.pixels.rows, test.outputs))
        let before = output.pixels.elements
        let weights = encoded(numbers.array(test.outputs * test.inputs * 9), as: test.type)
        let bias = numbers.array(test.outputs)
        let layer = try convolution(weights.bytes, bias, test)

        let norm = GroupNorm(
            groups: test.inputs % 4 == 0 ? 4 : 1, epsilon: 1e-6, weight: numbers.array(test.inputs),
            bias: numbers.array(test.inputs))
        var transformed = input.pixels.elements.map { Double($0) }
        if test.normalise { transformed = naiveGroupNorm(input, norm).map { $0 / (1 + exp(-$0)) } }
        var expected = naive(input, transformed, weights.values, bias, test)
        if test.accumulate { expected = zip(expected, before).map { $0 + Double($1) } }
        if test.relu { expected = expected.map { max($0, 0) } }

        let transform = test.normalise ? try norm.transform(of: input.sums(pool), silu: true) : nil
        let sums = try WinogradConvolution(layer, upsample: test.upsample, pool)(
            input, transform: transform, into: output, accumulate: test.accumulate, relu: test.relu, pool)
        #expect(relativeError(output.pixels.elements, expected) < 3e-6)
        expectEqual(sums, try output.sums(pool))
    }

    private func convolution(_ weights: [UInt8], _ bias: [Float], _ test: Case) throws -> Convolution {
        let reader = WeightReader(
            Weights(tensors: [
                "c.weight": try stored(test.type, [test.outputs, test.inputs, 3, 3], weights),
                "c.bias": try stored(.float32, [test.outputs], encoded(bias, as: .float32).bytes),
            ]))
        return try reader.convolution("c", outputs: test.outputs, inputs: test.inputs)
    }

    /// Statistics of single-precision tiles against sums in double precision.
    private func expectEqual(_ sums: ChannelStatistics, _ exact: ChannelStatistics) {
        #expect(sums.pixels == exact.pixels)
        for channel in exact.sum.indices {
            let scale = (exact.square[channel] * Double(exact.pixels)).squareRoot()
            #expect(abs(sums.sum[channel] - exact.sum[channel]) < 1e-6 * scale)
            #expect(abs(sums.square[channel] - exact.square[channel]) < 1e-6 * exact.square[channel])
        }
    }

    /// Part by part, with the input freed meanwhile: the same numbers as at once.
    @Test(arguments: [false, true])
    func parts(_ upsample: Bool) throws {
        var numbers = Numbers(seed: 3)
        let test = Case(inputs: 16, outputs: 16, height: 1600, width: 192, upsample: upsample)
        let layer = try convolution(
            encoded(numbers.array(16 * 16 * 9), as: .float32).bytes, numbers.array(16), test)
        let factor = upsample ? 2 : 1
        let input = try FeatureMap(height: test.height / factor, width: test.width / factor, channels: 16)
        for index in 0..<input.pixels.rows * 16 { input.pixels.start[index] = numbers.next() }
        let prepared = try WinogradConvolution(layer, upsample: upsample, pool)
        let whole = try FeatureMap(height: test.height, width: test.width, channels: 16)
        let wholeSums = try prepared(input, into: whole, pool)

        let output = try FeatureMap(height: test.height, width: test.width, channels: 16)
        let parts = WinogradConvolution.parts(height: test.height, width: test.width, pool)
        #expect(parts.count > 3)
        var seen: [Range<Int>] = []
        let sums = try prepared.consume(input, into: output, pool) { seen.append($0) }
        #expect(seen == parts)
        #expect(output.pixels.elements == whole.pixels.elements)
        #expect(sums.sum == wholeSums.sum && sums.square == wholeSums.square)
        // Freed memory reads as zeros.
        #expect(input.pixels[0, 0] == 0)
        #expect(input.pixels[input.pixels.rows - 1, 0] != 0)
    }

    /// A mean far from zero. Single-precision sums of squares would lose the variance.
    @Test func sumsKeepTheVariance() throws {
        var numbers = Numbers(seed: 4)
        let test = Case(inputs: 8, outputs: 8, height: 64, width: 64)
        let layer = try convolution(
            encoded(numbers.array(8 * 8 * 9), as: .float32).bytes, [Float](repeating: 1000, count: 8), test)
        let (input, output) = (
            try FeatureMap(height: 64, width: 64, channels: 8), try FeatureMap(height: 64, width: 64, channels: 8)
        )
        input.pixels.copy(from: try numbers.matrix(64 * 64, 8))
        let (sums, exact) = (try layer.apply(to: input, into: output, pool), try output.sums(pool))
        for channel in 0..<8 {
            func variance(_ sums: ChannelStatistics) -> Double {
                let mean = sums.sum[channel] / 4096
                return sums.square[channel] / 4096 - mean * mean
            }
            #expect(abs(variance(sums) / variance(exact) - 1) < 1e-5)
        }
    }

    private func naiveGroupNorm(_ map: FeatureMap, _ norm: GroupNorm) -> [Double] {
        let (values, width) = (map.pixels.elements.map { Double($0) }, map.channels / norm.groups)
        var result = values
        for group in 0..<norm.groups {
            let members = values.indices.filter { $0 % map.channels / width == group }
            let mean = members.reduce(0) { $0 + values[$1] } / Double(members.count)
            let variance = members.reduce(0) { $0 + pow(values[$1] - mean, 2) } / Double(members.count)
            for index in members {
                let channel = index % map.channels
                result[index] =
                    (values[index] - mean) / (variance + Double(norm.epsilon)).squareRoot()
                    * Double(norm.weight[channel])
                    + Double(norm.bias[channel])
            }
        }
        return result
    }

    /// A mean far from zero. Single precision would lose the variance.
    @Test func groupNorm() throws {
        var numbers = Numbers(seed: 8)
        let map = try FeatureMap(height: 30, width: 17, channels: 12)
        for row in 0..<map.pixels.rows { for column in 0..<12 { map.pixels[row, column] = 100 + numbers.next() } }
        let norm = GroupNorm(groups: 3, epsilon: 1e-6, weight: numbers.array(12), bias: numbers.array(12))
        let output = try Matrix(rows: map.pixels.rows, columns: 12)
        try norm.transform(of: map.sums(pool), silu: false).apply(to: map.pixels, into: output, pool)
        #expect(relativeError(output.elements, naiveGroupNorm(map, norm)) < 3e-5)
    }
}
