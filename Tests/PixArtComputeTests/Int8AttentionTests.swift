import Foundation
import PixArtCompute
import TestSupport
import Testing

/// Attention in int8 for several heads and sequences, on every instruction set of this processor. Tests/kernels compares
/// the kernels with the definition.
@Suite struct Int8AttentionTests {
    /// Two sequences of `width` x 3 heads, as columns of one matrix, in float32 or rounded to bfloat16.
    private func attended(
        _ lengths: (queries: Int, keys: Int), width: Int, as compute: ComputePrecision = .float32, threads: Int = 2,
        _ instructions: String
    ) throws -> (int8: [Float], exact: [Float]) {
        let pool = try ThreadPool(threads: threads, instructions: instructions)
        var numbers = Numbers(seed: 4)
        let columns = 3 * width
        func rows(_ count: Int) throws -> ActivationRows {
            let result = try ActivationRows(rows: count, columns: 2 * columns, encoding: pool.encoding(for: compute))
            try ActivationRows(numbers.matrix(count, 2 * columns)).store(into: result, pool)
            return result
        }
        let (query, key, value) = (try rows(lengths.queries), try rows(lengths.keys), try rows(lengths.keys))
        let attention = Attention(heads: 3, scale: 0.7)
        let bytes = 2 * Attention.int8Bytes(heads: 3, keys: lengths.keys)
        let memory = try ActivationRows(rows: (bytes + 63) / 64, columns: 16, encoding: .float32)
        func run(_ body: ([Attention.Sequence]) throws -> Void) throws -> [Float] {
            let output = try rows(lengths.queries)
            try body(
                (0..<2).map { index in
                    let part = index * columns..<(index + 1) * columns
                    return Attention.Sequence(
                        query: query.columns(part), key: key.columns(part), value: value.columns(part),
                        into: output.columns(part))
                })
            return output.elements
        }
        return (
            try run { try attention.inInt8($0, memory, pool) }, try run { try attention($0, pool) }
        )
    }

    private static let lengths = [(1, 1), (19, 64), (20, 65), (61, 200), (530, 300)]

    @Test(arguments: Kernels.available, Self.lengths)
    func equalsThePortableSet(_ instructions: String, _ lengths: (queries: Int, keys: Int)) throws {
        for width in [16, 22, 72] {
            let expected = try attended(lengths, width: width, "portable").int8
            #expect(try attended(lengths, width: width, instructions).int8 == expected, "\(width)")
        }
    }

    /// bfloat16 rows are the same numbers, and the output is rounded once.
    @Test(arguments: Kernels.available)
    func bfloat16Rows(_ instructions: String) throws {
        let expected = try attended((61, 200), width: 24, as: .bfloat16, "portable").int8
        #expect(try attended((61, 200), width: 24, as: .bfloat16, instructions).int8 == expected)
    }

    /// The rounding error has the size that int8 implies: two-sided.
    @Test(arguments: Kernels.available, [(20, 65), (61, 200), (530, 300)])
    func error(_ instructions: String, _ lengths: (queries: Int, keys: Int)) throws {
        let (int8, exact) = try attended(lengths, width: 24, instructions)
        let error = relativeError(int8, exact.map { Double($0) })
        #expect(3e-3 < error && error < 2e-2, "\(error)")
    }

    @Test(arguments: [1, 3, 8])
    func threads(_ threads: Int) throws {
        let best = Kernels.best.name
        #expect(
            try attended((530, 300), width: 72, threads: threads, best).int8
                == attended((530, 300), width: 72, best).int8)
    }
}
