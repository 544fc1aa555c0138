import PixArtCompute
import PixArtStorage

/// Self-attention over all pixels with a single head, added to its input.
struct SpatialAttention: Sendable {
    private let norm: GroupNorm
    private let query, key, value, output: Linear

    init(_ name: String, channels: Int, groups: Int, _ reader: WeightReader) throws(PixArtError) {
        norm = try reader.groupNorm("\(name).group_norm", channels: channels, groups: groups, epsilon: 1e-6)
        /// Names in files written before diffusers 0.18.
        func projection(_ new: String, _ old: String) throws(PixArtError) -> Linear {
            let current = reader.contains("\(name).\(old).weight") ? old : new
            return try reader.linear("\(name).\(current)", outputs: channels, inputs: channels)
        }
        query = try projection("to_q", "query")
        key = try projection("to_k", "key")
        value = try projection("to_v", "value")
        output = try projection("to_out.0", "proj_attn")
    }

    /// Adds to `x` in place.
    func callAsFunction(_ x: FeatureMapWithStatistics, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError) {
        let (x, sums) = (x.map, x.sums)
        let (rows, channels) = (x.pixels.rows, x.channels)
        let normed = try Matrix(rows: rows, columns: channels, buffers)
        try norm.transform(of: sums, silu: false).apply(to: x.pixels, into: normed, pool)
        let (q, k) = (
            try Matrix(rows: rows, columns: channels, buffers), try Matrix(rows: rows, columns: channels, buffers)
        )
        let v = try Matrix(rows: rows, columns: channels, buffers)
        try query(normed, into: q, pool)
        try key(normed, into: k, pool)
        try value(normed, into: v, pool)
        let attention = Attention(heads: 1, scale: 1 / Float(channels).squareRoot())
        try attention(
            query: ActivationRows(q), key: ActivationRows(k), value: ActivationRows(v), into: ActivationRows(normed),
            pool)
        try output(normed, into: x.pixels, pool, epilogue: .accumulate(gate: [Float](repeating: 1, count: channels)))
    }
}
