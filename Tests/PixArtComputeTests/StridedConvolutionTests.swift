import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Convolutions with stride 2 against a naive implementation in double precision.
@Suite struct StridedConvolutionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let inputs, outputs, height, width: Int
        var type = ElementType.float32
        var testDescription: String { "\(inputs) -> \(outputs), to \(height) x \(width), \(type)" }
    }

    /// Channels that fill panels and that do not; single pixels; rows of one block and of several, the last ones
    /// partial.
    static let cases = [
        Case(inputs: 1, outputs: 1, height: 1, width: 1),
        Case(inputs: 3, outputs: 33, height: 1, width: 7),
        Case(inputs: 32, outputs: 32, height: 9, width: 1),
        Case(inputs: 17, outputs: 5, height: 6, width: 11),
        Case(inputs: 16, outputs: 48, height: 5, width: 64),
        Case(inputs: 8, outputs: 64, height: 3, width: 130),
        Case(inputs: 64, outputs: 40, height: 21, width: 6, type: .bfloat16),
        Case(inputs: 5, outputs: 16, height: 4, width: 10, type: .float16),
    ]

    @Test(arguments: cases, Kernels.available)
    func equalsTheNaive(_ test: Case, _ instructions: String) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        var numbers = Numbers(seed: UInt64(test.inputs))
        let input = try FeatureMap(height: 2 * test.height, width: 2 * test.width, channels: test.inputs)
        input.pixels.copy(from: try numbers.matrix(input.pixels.rows, test.inputs))
        let weights = encoded(numbers.array(test.outputs * test.inputs * 9), as: test.type)
        let bias = numbers.array(test.outputs)
        let reader = WeightReader(
            Weights(tensors: [
                "c.weight": try stored(test.type, [test.outputs, test.inputs, 3, 3], weights.bytes),
                "c.bias": try stored(.float32, [test.outputs], encoded(bias, as: .float32).bytes),
            ]))
        let layer = try reader.convolution("c", outputs: test.outputs, inputs: test.inputs)
        for padding in [StridedConvolution.Padding.after, .around] {
            let output = try FeatureMap(height: test.height, width: test.width, channels: test.outputs)
            let sums = try StridedConvolution(layer, padding: padding)(input, into: output, pool)
            let expected = naive(input, weights.values, bias, test, padding == .after ? 0 : -1)
            #expect(relativeError(output.pixels.elements, expected) < 1e-6, "\(padding)")
            let exact = try output.sums(pool)
            #expect(sums.pixels == exact.pixels)
            #expect(relativeError(sums.sum.map { Float($0) }, exact.sum) < 1e-6)
            #expect(relativeError(sums.square.map { Float($0) }, exact.square) < 1e-6)
        }
    }

    /// The taps of an output start at twice its row and column, plus `offset`.
    private func naive(
        _ input: FeatureMap, _ weights: [Float], _ bias: [Float], _ test: Case, _ offset: Int
    ) -> [Double] {
        (0..<test.height * test.width).flatMap { pixel in
            (0..<test.outputs).map { output in
                var sum = Double(bias[output])
                for tap in 0..<9 {
                    let y = 2 * (pixel / test.width) + tap / 3 + offset
                    let x = 2 * (pixel % test.width) + tap % 3 + offset
                    guard (0..<input.height).contains(y), (0..<input.width).contains(x) else { continue }
                    for channel in 0..<test.inputs {
                        let weight = weights[(output * test.inputs + channel) * 9 + tap]
                        sum += Double(weight) * Double(input.pixels[y * input.width + x, channel])
                    }
                }
                return sum
            }
        }
    }

    /// A convolution without bias in its file.
    @Test func withoutBias() throws {
        let pool = try ThreadPool(threads: 1)
        let ones = encoded([Float](repeating: 1, count: 9), as: .float32).bytes
        let reader = WeightReader(Weights(tensors: ["c.weight": try stored(.float32, [1, 1, 3, 3], ones)]))
        let layer = try reader.convolution("c", outputs: 1, inputs: 1, bias: false)
        let input = try FeatureMap(height: 2, width: 2, channels: 1)
        input.pixels.copy(from: try Matrix(rows: 4, columns: 1, elements: [1, 2, 4, 8]))
        let output = try FeatureMap(height: 1, width: 1, channels: 1)
        try StridedConvolution(layer, padding: .after)(input, into: output, pool)
        #expect(output.pixels.elements == [15])
    }
}
