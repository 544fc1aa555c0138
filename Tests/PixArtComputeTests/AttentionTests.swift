import Foundation
import PixArtCompute
import TestSupport
import Testing

/// Attention against a naive implementation in double precision.
@Suite struct AttentionTests {
    private let pool = try! ThreadPool(threads: 2)

    private func naive(
        _ query: Matrix, _ key: Matrix, _ value: Matrix, heads: Int, scale: Double, bias: Matrix?
    ) -> [Double] {
        let width = query.columns / heads
        var result = [Double](repeating: 0, count: query.rows * query.columns)
        for head in 0..<heads {
            for row in 0..<query.rows {
                var scores = (0..<key.rows).map { column in
                    (0..<width).reduce(0.0) { sum, index in
                        sum + Double(query[row, head * width + index]) * Double(key[column, head * width + index])
                    } * scale + (bias.map { Double($0[head * query.rows + row, column]) } ?? 0)
                }
                let largest = scores.max()!
                scores = scores.map { exp($0 - largest) }
                let sum = scores.reduce(0, +)
                for index in 0..<width {
                    result[row * query.columns + head * width + index] = scores.enumerated().reduce(0.0) {
                        $0 + $1.element / sum * Double(value[$1.offset, head * width + index])
                    }
                }
            }
        }
        return result
    }

    /// Lengths around the sizes of tiles and blocks: (queries, keys).
    @Test(arguments: [(1, 1), (7, 20), (128, 512), (129, 513), (300, 1100)])
    func lengths(_ lengths: (queries: Int, keys: Int)) throws {
        var numbers = Numbers(seed: UInt64(lengths.queries))
        let query = try numbers.matrix(lengths.queries, 24)
        let (key, value) = (try numbers.matrix(lengths.keys, 24), try numbers.matrix(lengths.keys, 24))
        let output = try Matrix(rows: lengths.queries, columns: 24)
        // A large scale changes the running maximum from block to block.
        try Attention(heads: 3, scale: 5)(
            query: ActivationRows(query), key: ActivationRows(key), value: ActivationRows(value),
            into: ActivationRows(output), pool)
        let expected = naive(query, key, value, heads: 3, scale: 5, bias: nil)
        #expect(relativeError(output.elements, expected) < 1e-6)
    }

    @Test func bias() throws {
        var numbers = Numbers(seed: 9)
        let (query, key) = (try numbers.matrix(33, 16), try numbers.matrix(600, 16))
        let (value, bias) = (try numbers.matrix(600, 16), try numbers.matrix(4 * 33, 600))
        let output = try Matrix(rows: 33, columns: 16)
        try Attention(heads: 4, scale: 1)(
            query: ActivationRows(query), key: ActivationRows(key), value: ActivationRows(value), bias: bias,
            into: ActivationRows(output), pool)
        let expected = naive(query, key, value, heads: 4, scale: 1, bias: bias)
        #expect(relativeError(output.elements, expected) < 1e-6)
    }

    /// Query, key and value as columns of one matrix, as in the transformer.
    @Test func views() throws {
        var numbers = Numbers(seed: 10)
        let all = try numbers.matrix(150, 4 * 16)
        let parts = (0..<4).map { all.columns($0 * 16..<($0 + 1) * 16) }
        let expected = naive(parts[0], parts[1], parts[2], heads: 2, scale: 0.5, bias: nil)
        try Attention(heads: 2, scale: 0.5)(
            query: ActivationRows(parts[0]), key: ActivationRows(parts[1]), value: ActivationRows(parts[2]),
            into: ActivationRows(parts[3]), pool)
        #expect(relativeError(parts[3].elements, expected) < 1e-6)
    }
}
