import Foundation
import PixArtCompute
import TestSupport
import Testing

func naiveGELU(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

/// Row operations against naive implementations in double precision, on sizes that no vector width divides.
@Suite struct RowOperationTests {
    private let pool = try! ThreadPool(threads: 2)

    private func statistics(_ row: ArraySlice<Float>) -> (mean: Double, variance: Double, square: Double) {
        let values = row.map { Double($0) }
        let mean = values.reduce(0, +) / Double(values.count)
        return (
            mean, values.reduce(0) { $0 + pow($1 - mean, 2) } / Double(values.count),
            values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        )
    }

    @Test(arguments: [1, 24, 1152, 67])
    func layerNorm(_ columns: Int) throws {
        var numbers = Numbers(seed: 1)
        let (x, shift, scale) = (try numbers.matrix(70, columns), numbers.array(columns), numbers.array(columns))
        let output = try Matrix(rows: 70, columns: columns)
        try x.layerNorm(shift: shift, scale: scale, epsilon: 1e-6, into: ActivationRows(output), pool)
        let expected = (0..<70).flatMap { row in
            let values = x.elements[row * columns..<(row + 1) * columns]
            let (mean, variance, _) = statistics(values)
            return values.enumerated().map { index, value in
                (Double(value) - mean) / (variance + 1e-6).squareRoot() * (1 + Double(scale[index]))
                    + Double(shift[index])
            }
        }
        #expect(relativeError(output.elements, expected) < 3e-7)
    }

    @Test(arguments: [24, 4096, 67])
    func rmsNorm(_ columns: Int) throws {
        var numbers = Numbers(seed: 2)
        let (x, weight) = (try numbers.matrix(3, columns), numbers.array(columns))
        let output = try Matrix(rows: 3, columns: columns)
        try x.rmsNorm(weight: weight, epsilon: 1e-6, into: ActivationRows(output), pool)
        let expected = (0..<3).flatMap { row in
            let values = x.elements[row * columns..<(row + 1) * columns]
            let square = statistics(values).square
            return values.enumerated().map { Double($1) / (square + 1e-6).squareRoot() * Double(weight[$0]) }
        }
        #expect(relativeError(output.elements, expected) < 3e-7)
    }

    /// Rows in float32 and bfloat16 that are added to part of a wider matrix, with gates and without.
    @Test(arguments: Kernels.available, [ComputePrecision.float32, .bfloat16])
    func gatedRows(_ instructions: String, _ precision: ComputePrecision) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let columns = 67
        for gated in [false, true] {
            var numbers = Numbers(seed: 3)
            let (source, whole, gate) = (
                try numbers.matrix(70, columns), try numbers.matrix(70, columns + 5), numbers.array(columns)
            )
            let rows = try ActivationRows(rows: 70, columns: columns, encoding: pool.encoding(for: precision))
            try ActivationRows(source).store(into: rows, pool)
            let (kept, before) = (rows.elements, whole.elements)
            try rows.add(to: whole.columns(2..<columns + 2), gate: gated ? gate : nil, pool)
            #expect(rows.elements == kept)
            var expected = before.map { Double($0) }
            for row in 0..<70 {
                for column in 0..<columns {
                    expected[row * (columns + 5) + 2 + column] +=
                        Double(gated ? gate[column] : 1) * Double(kept[row * columns + column])
                }
            }
            #expect(relativeError(whole.elements, expected) < 1e-7)
        }
    }

    @Test func differences() throws {
        var numbers = Numbers(seed: 4)
        let (x, other) = (try numbers.matrix(70, 67), try numbers.matrix(70, 67))
        let expected = zip(x.elements, other.elements).map { $1 - $0 }
        try x.subtract(from: other, pool)
        #expect(x.elements == expected)
    }

    /// From where the exponential underflows to where it overflows.
    @Test func activations() throws {
        let values = (-2000...2000).map { Float($0) / 10 } + [-1e30, 1e30, 1e-30, 0]
        let x = try Matrix(rows: 1, columns: values.count, elements: values)
        x.silu()
        for (actual, value) in zip(x.elements, values.map { Double($0) }) {
            #expect(abs(Double(actual) - value / (1 + exp(-value))) <= 3e-7 * max(1e-3, abs(value)), "\(value)")
        }
    }
}
