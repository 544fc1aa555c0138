import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Linear layers with updates beside their weights, against a naive twin in double precision.
@Suite struct LowRankUpdateTests {
    private let pool = try! ThreadPool(threads: 2)

    private struct Layer {
        var linear: Linear
        let weights, bias: [Float]
        /// For each adapter: up, down, and what their product is multiplied by.
        let updates: [(up: [Float], down: [Float], rank: Int, factor: Float)]
    }

    /// A layer with adapters of these ranks, of which number n has the scale 0.5 and the strength 1 / (n + 1).
    private func layer(_ outputs: Int, _ inputs: Int, ranks: [Int]) throws -> Layer {
        var numbers = Numbers(seed: 9)
        let (weights, bias) = (numbers.array(outputs * inputs), numbers.array(outputs))
        let base = Weights(tensors: [
            "l.weight": try stored(.float32, [outputs, inputs], encoded(weights, as: .float32).bytes),
            "l.bias": try stored(.float32, [outputs], encoded(bias, as: .float32).bytes),
        ])
        var adapters: [AppliedAdapter] = []
        var updates: [(up: [Float], down: [Float], rank: Int, factor: Float)] = []
        for (index, rank) in ranks.enumerated() {
            let (up, down) = (numbers.array(outputs * rank), numbers.array(rank * inputs))
            let update = WeightUpdate(
                .lowRank(
                    up: try stored(.float32, [outputs, rank], encoded(up, as: .float32).bytes),
                    down: try stored(.float32, [rank, inputs], encoded(down, as: .float32).bytes, offset: 1)),
                outputs: outputs, inputs: inputs, rank: rank, scale: 0.5)
            let strength = 1 / Float(index + 1)
            adapters.append(AppliedAdapter(path: "\(index)", strength: strength, updates: ["l.weight": update]))
            updates.append((up, down, rank, 0.5 * strength))
        }
        let source = try AdaptedSource(base, adapters, fusing: .none, pool)
        let linear = try WeightReader(source).linear("l", outputs: outputs, inputs: inputs)
        return Layer(linear: linear, weights: weights, bias: bias, updates: updates)
    }

    private func naive(_ x: Matrix, _ layer: Layer, factors: [Double]? = nil) -> [Double] {
        let inputs = x.columns
        return (0..<x.rows).flatMap { row in
            let hidden = layer.updates.map { update in
                (0..<update.rank).map { rank in
                    (0..<inputs).reduce(0) { $0 + Double(x[row, $1]) * Double(update.down[rank * inputs + $1]) }
                }
            }
            return layer.bias.indices.map { output in
                var sum = (0..<inputs).reduce(Double(layer.bias[output])) {
                    $0 + Double(x[row, $1]) * Double(layer.weights[output * inputs + $1])
                }
                for (index, update) in layer.updates.enumerated() {
                    let factor = factors?[index] ?? Double(update.factor)
                    for rank in 0..<update.rank {
                        sum += factor * hidden[index][rank] * Double(update.up[output * update.rank + rank])
                    }
                }
                return sum
            }
        }
    }

    /// Few and many rows, ragged ends, and inputs that are summed part by part.
    @Test(arguments: [(1, 149, 67), (20, 149, 67), (300, 149, 67), (30, 40, 1700)], [[3], [64], [1, 2, 5]])
    func products(_ size: (rows: Int, outputs: Int, inputs: Int), _ ranks: [Int]) throws {
        let layer = try layer(size.outputs, size.inputs, ranks: ranks)
        var numbers = Numbers(seed: 3)
        let x = try numbers.matrix(size.rows, size.inputs)
        let output = try Matrix(rows: size.rows, columns: size.outputs)
        try layer.linear(x, into: output, pool)
        #expect(relativeError(output.elements, naive(x, layer)) < 6e-7)
    }

    @Test func tenAdapters() throws {
        let layer = try layer(70, 50, ranks: Array(repeating: 4, count: 10))
        var numbers = Numbers(seed: 3)
        let x = try numbers.matrix(9, 50)
        let output = try Matrix(rows: 9, columns: 70)
        try layer.linear(x, into: output, pool)
        #expect(relativeError(output.elements, naive(x, layer)) < 6e-7)
    }

    /// The update is part of what an epilogue sees.
    @Test func epilogues() throws {
        let layer = try layer(40, 16, ranks: [2, 3])
        var numbers = Numbers(seed: 4)
        let (x, start) = (try numbers.matrix(7, 16), try numbers.matrix(7, 40))
        let gate = numbers.array(40)
        let product = naive(x, layer)
        func check(_ epilogue: Linear.Epilogue, _ expected: [Double]) throws {
            let output = try Matrix(rows: 7, columns: 40, elements: start.elements)
            try layer.linear(x, into: output, pool, epilogue: epilogue)
            #expect(relativeError(output.elements, expected) < 1e-6, "\(epilogue)")
        }
        let before = start.elements.map { Double($0) }
        try check(.gelu, product.map(naiveGELU))
        try check(.multiply, zip(before, product).map { $0 * $1 })
        try check(.add, zip(before, product).map { $0 + $1 })
        try check(
            .accumulate(gate: gate), product.indices.map { before[$0] + Double(gate[$0 % 40]) * product[$0] })
    }

    /// Rows in less than float32, on every instruction set: the error is that of rounding.
    @Test(arguments: ComputePrecision.allCases, Kernels.available)
    func roundedRows(_ compute: ComputePrecision, _ instructions: String) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let layer = try layer(96, 128, ranks: [8])
        var numbers = Numbers(seed: 5)
        let x = try numbers.matrix(33, 128)
        let rows = try ActivationRows(rows: 33, columns: 128, encoding: pool.encoding(for: compute))
        try ActivationRows(x).store(into: rows, pool)
        let output = try Matrix(rows: 33, columns: 96)
        try layer.linear(rows, into: ActivationRows(output), pool)
        let bounds: [ComputePrecision: Double] = [.float32: 6e-7, .bfloat16: 4e-3, .int8: 2e-2]
        let error = relativeError(output.elements, naive(x, layer))
        #expect(error < bounds[compute]!)
        #expect(compute == .float32 || error > bounds[compute]! / 20)
    }

    /// A copy with other strengths shares the weights, and one without strength is the layer without updates.
    @Test func strengths() throws {
        let layer = try layer(40, 16, ranks: [2, 3])
        var numbers = Numbers(seed: 6)
        let x = try numbers.matrix(4, 16)
        func output(_ linear: Linear) throws -> [Float] {
            let output = try Matrix(rows: 4, columns: 40)
            try linear(x, into: output, pool)
            return output.elements
        }
        var other = layer.linear
        other.set(strengths: [1: -3, 7: 5])
        #expect(relativeError(try output(other), naive(x, layer, factors: [0.5, -1.5])) < 6e-7)
        #expect(relativeError(try output(layer.linear), naive(x, layer)) < 6e-7)
        other.set(strengths: [0: 0, 1: 0])
        #expect(try output(other) == output(Linear(weight: layer.linear.weight, bias: layer.linear.bias)))
    }
}
