import Foundation
import PixArtCompute
import Testing

/// Convolutions and group normalisation against naive twins in double precision.
@Suite struct ConvolutionTests {
    private let pool = try! ThreadPool(threads: 2)

    private struct Case: CustomStringConvertible {
        let inputs, outputs, height, width: Int
        var enlarge = false, normalise = false, accumulate = false
        var description: String {
            "\(inputs) -> \(outputs), \(height) x \(width)"
                + (enlarge ? ", enlarged" : "") + (normalise ? ", normalised" : "") + (accumulate ? ", added" : "")
        }
    }

    /// Channels that Winograd's algorithm takes and that it does not, heights that bands do not divide, single pixels.
    private static let cases = [
        Case(inputs: 4, outputs: 32, height: 8, width: 12),
        Case(inputs: 32, outputs: 3, height: 19, width: 23, normalise: true),
        Case(inputs: 32, outputs: 32, height: 37, width: 40, normalise: true),
        Case(inputs: 32, outputs: 16, height: 37, width: 9, normalise: true, accumulate: true),
        Case(inputs: 16, outputs: 16, height: 22, width: 30, enlarge: true),
        Case(inputs: 5, outputs: 6, height: 2, width: 2, enlarge: true, accumulate: true),
        Case(inputs: 16, outputs: 16, height: 1, width: 1),
    ]

    private func naive(
        _ input: FeatureMap, _ transformed: [Double], _ weights: [Float], _ bias: [Float], _ test: Case
    ) -> [Double] {
        let factor = test.enlarge ? 2 : 1
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

    @Test(arguments: cases)
    private func convolution(_ test: Case) throws {
        var numbers = Numbers(seed: UInt64(test.inputs))
        let factor = test.enlarge ? 2 : 1
        let input = try FeatureMap(height: test.height / factor, width: test.width / factor, channels: test.inputs)
        input.pixels.copy(from: try numbers.matrix(input.pixels.rows, test.inputs))
        let output = try FeatureMap(height: test.height, width: test.width, channels: test.outputs)
        output.pixels.copy(from: try numbers.matrix(output.pixels.rows, test.outputs))
        let before = output.pixels.elements
        let (weights, bias) = (numbers.array(test.outputs * test.inputs * 9), numbers.array(test.outputs))
        let reader = WeightReader(
            Weights(tensors: [
                "c.weight": try stored(
                    .float32, [test.outputs, test.inputs, 3, 3], encoded(weights, as: .float32).bytes),
                "c.bias": try stored(.float32, [test.outputs], encoded(bias, as: .float32).bytes),
            ]))
        let layer = try reader.convolution("c", outputs: test.outputs, inputs: test.inputs)

        let norm = GroupNorm(
            groups: 4, epsilon: 1e-6, weight: numbers.array(test.inputs), bias: numbers.array(test.inputs))
        var transformed = input.pixels.elements.map { Double($0) }
        if test.normalise { transformed = naiveGroupNorm(input, norm).map { $0 / (1 + exp(-$0)) } }
        var expected = naive(input, transformed, weights, bias, test)
        if test.accumulate { expected = zip(expected, before).map { $0 + Double($1) } }

        let prepared = try Convolution.prepare([layer], height: test.height, width: test.width, pool)
        try prepared[0](
            input, transform: test.normalise ? norm.transform(of: input, activate: true, pool) : nil,
            enlarge: test.enlarge, into: output, accumulate: test.accumulate, pool)
        #expect(relativeError(output.pixels.elements, expected) < 3e-6)
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

    /// A mean far from zero, which single precision would lose the variance beside.
    @Test func groupNorm() throws {
        var numbers = Numbers(seed: 8)
        let map = try FeatureMap(height: 30, width: 17, channels: 12)
        for row in 0..<map.pixels.rows { for column in 0..<12 { map.pixels[row, column] = 100 + numbers.next() } }
        let norm = GroupNorm(groups: 3, epsilon: 1e-6, weight: numbers.array(12), bias: numbers.array(12))
        let output = try Matrix(rows: map.pixels.rows, columns: 12)
        norm.transform(of: map, activate: false, pool).apply(to: map.pixels, into: output, pool)
        #expect(relativeError(output.elements, naiveGroupNorm(map, norm)) < 3e-5)
    }
}
