import CNative

/// Scaled dot-product attention, softmax(scale Q Kᵀ + bias) V, for all heads of one sequence.
///
/// Works on tiles of queries by blocks of keys with a running softmax, so that memory does not grow with the product of
/// the lengths.
package struct Attention: Sendable {
    package let heads: Int
    package let scale: Float

    private static let queryTile = 128
    private static let keyBlock = 512

    package init(heads: Int, scale: Float) {
        self.heads = heads
        self.scale = scale
    }

    /// Attends from `query` [queries, H*K] to `key` and `value` [keys, H*K], into `output` [queries, H*K].
    ///
    /// `bias`, where there is one, is added to the scaled scores: [H*queries, keys], head after head. At least one key. Fails
    /// with `.memory`.
    package func callAsFunction(
        query: Matrix, key: Matrix, value: Matrix, bias: Matrix? = nil, into output: Matrix, _ pool: ThreadPool
    ) throws(PixArtError) {
        precondition(key.rows == value.rows && key.rows > 0 && query.rows == output.rows)
        precondition(query.columns % heads == 0)
        let width = query.columns / heads
        let tiles = (query.rows + Self.queryTile - 1) / Self.queryTile
        try pool.run(tasks: heads * tiles) { task, scratch throws(PixArtError) in
            let (head, tile) = task.quotientAndRemainder(dividingBy: tiles)
            let columns = head * width..<(head + 1) * width
            let rows = tile * Self.queryTile..<min((tile + 1) * Self.queryTile, query.rows)
            try attend(
                query: query.columns(columns).rows(rows), key: key.columns(columns), value: value.columns(columns),
                bias: bias.map { $0.rows(head * query.rows + rows.lowerBound..<head * query.rows + rows.upperBound) },
                into: output.columns(columns).rows(rows), scratch)
        }
    }

    /// One tile of queries of one head against all keys.
    private func attend(
        query: Matrix, key: Matrix, value: Matrix, bias: Matrix?, into output: Matrix, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let (rows, width) = (query.rows, query.columns)
        let scores = try scratch.floats(Self.queryTile * Self.keyBlock, slot: 0)
        let statistics = try scratch.floats(3 * Self.queryTile, slot: 1)
        let (maximum, sum) = (statistics, statistics + Self.queryTile)
        let correction = statistics + 2 * Self.queryTile
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        for first in stride(from: 0, to: key.rows, by: Self.keyBlock) {
            let block = first..<min(first + Self.keyBlock, key.rows)
            let (key, value) = (key.rows(block), value.rows(block))
            native_blas_product(
                rows, block.count, width, query.start, query.stride, key.start, key.stride, 1, scores, Self.keyBlock, 0)
            native_softmax_block(
                rows, block.count, scale, scores, Self.keyBlock, bias.map { UnsafePointer($0.start + first) },
                bias?.stride ?? 0, maximum, sum, correction)
            if first > 0 { native_scale_rows(rows, width, output.start, output.stride, correction) }
            native_blas_product(
                rows, width, block.count, scores, Self.keyBlock, value.start, value.stride, 0, output.start,
                output.stride, first > 0 ? 1 : 0)
        }
        for row in 0..<rows { sum[row] = 1 / sum[row] }
        native_scale_rows(rows, width, output.start, output.stride, sum)
    }
}
