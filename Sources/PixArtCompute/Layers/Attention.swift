import CKernels
import PixArtStorage

/// Scaled dot-product attention, softmax(scale Q Kᵀ + bias) V, for all heads of one sequence.
///
/// Computes chunks of queries by blocks of keys with a running softmax (flash attention). So memory does not grow with
/// the square of the length.
package struct Attention: Sendable {
    package let heads: Int
    package let scale: Float

    /// Most queries of a task, and how many of them are computed at a time.
    private static let queryChunk = 480
    private static let queryTile = 48
    private static let keyBlock = 256
    private static let panelWidth = Int(NATIVE_PANEL)
    /// The largest head width of the bfloat16 kernel.
    private static let widestHead = 79

    package init(heads: Int, scale: Float) {
        self.heads = heads
        self.scale = scale
    }

    /// The tensors of one sequence: `query` and `output` [queries, H*K], `key` and `value` [keys, H*K], all in the
    /// same encoding, float32 or bfloat16. At least one key.
    ///
    /// `bias`, if any, is added to the scaled scores: [H*queries, keys], head by head. float32 only.
    package struct Sequence: Sendable {
        let query, key, value: ActivationRows
        let bias: Matrix?
        let output: ActivationRows

        package init(
            query: ActivationRows, key: ActivationRows, value: ActivationRows, bias: Matrix? = nil,
            into output: ActivationRows
        ) {
            precondition(key.rows == value.rows && key.rows > 0 && query.rows == output.rows)
            (self.query, self.key, self.value, self.bias, self.output) = (query, key, value, bias, output)
        }

        fileprivate var work: Double { 4 * Double(query.rows) * Double(key.rows) * Double(query.columns) }
    }

    /// Computes one sequence. Fails with `.memory`.
    package func callAsFunction(
        query: ActivationRows, key: ActivationRows, value: ActivationRows, bias: Matrix? = nil,
        into output: ActivationRows, _ pool: ThreadPool
    ) throws(PixArtError) {
        try self([Sequence(query: query, key: key, value: value, bias: bias, into: output)], pool)
    }

    /// Computes several sequences in one parallel region. Fails with `.memory`.
    package func callAsFunction(_ sequences: [Sequence], _ pool: ThreadPool) throws(PixArtError) {
        try chunks(of: sequences, pool) { index, head, rows, scratch throws(PixArtError) in
            try attend(sequences[index], head: head, rows: rows, pool.kernels, scratch)
        }
    }

    /// How the queries of a head are divided into tasks: into so many chunks of a length.
    package static func chunks(queries: Int, heads: Int, workers: Int) -> (count: Int, length: Int) {
        // Long chunks read keys and values less often, but each worker needs some chunks.
        let share = (queries * heads / (8 * workers) + queryTile - 1) / queryTile
        let longest = min(max(1, share) * queryTile, queryChunk)
        let count = (queries + longest - 1) / longest
        // Chunks of about equal length: a short one reads all keys for few queries.
        let tiles = (queries + count * queryTile - 1) / max(1, count * queryTile)
        return (count, tiles * queryTile)
    }

    /// Runs `body` for some queries of a head of a sequence at a time, in one parallel region.
    func chunks(
        of sequences: [Sequence], _ pool: ThreadPool,
        _ body: (_ index: Int, _ head: Int, _ rows: Range<Int>, ThreadPool.Scratch) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        let most = sequences.map(\.query.rows).max() ?? 0
        let (chunks, length) = Self.chunks(queries: most, heads: heads * sequences.count, workers: pool.count)
        let work = sequences.reduce(0) { $0 + $1.work }
        let tasks = sequences.count * heads * chunks
        try pool.run(tasks: tasks, as: .attention, work: work) { task, scratch throws(PixArtError) in
            let (place, chunk) = task.quotientAndRemainder(dividingBy: chunks)
            let (index, head) = place.quotientAndRemainder(dividingBy: heads)
            let count = sequences[index].query.rows
            guard chunk * length < count else { return }
            try body(index, head, chunk * length..<min((chunk + 1) * length, count), scratch)
        }
    }

    /// Some queries of one head.
    private func attend(
        _ sequence: Sequence, head: Int, rows: Range<Int>, _ kernels: Kernels, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        precondition(sequence.query.columns % heads == 0)
        let width = sequence.query.columns / heads
        let columns = head * width..<(head + 1) * width
        let first = head * sequence.query.rows
        let bias = sequence.bias.map { $0.rows(first + rows.lowerBound..<first + rows.upperBound) }
        let query = sequence.query.columns(columns).rows(rows)
        let output = sequence.output.columns(columns).rows(rows)
        let (key, value) = (sequence.key.columns(columns), sequence.value.columns(columns))
        if query.encoding == .bfloat16 {
            return try attendBFloat16(query, key, value, into: output, kernels, scratch)
        }
        try attend(query, key, value, bias, into: output, kernels, scratch)
        if output.encoding == .emulatedBFloat16 {
            var native = output.native
            kernels.table.pointee.store_rows(
                output.rows, output.columns, output.floats, output.elementStride, &native)
        }
    }

    /// Whether the bfloat16 kernel takes heads of this width.
    package static func takesBfloat16(headWidth: Int) -> Bool { headWidth % 2 == 0 && headWidth <= widestHead }

    private func attendBFloat16(
        _ query: ActivationRows, _ key: ActivationRows, _ value: ActivationRows, into output: ActivationRows,
        _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        precondition(Self.takesBfloat16(headWidth: query.columns) && key.stride == value.stride)
        precondition(query.stride == output.stride)
        let work = try scratch.attention()
        kernels.table.pointee.attention_bfloat16!(
            query.rows, key.rows, query.columns, scale, query.start.assumingMemoryBound(to: UInt16.self),
            key.start.assumingMemoryBound(to: UInt16.self), value.start.assumingMemoryBound(to: UInt16.self),
            key.elementStride, output.start.assumingMemoryBound(to: UInt16.self), query.elementStride, work)
    }

    /// One chunk of queries of one head against all keys, in float32.
    private func attend(
        _ query: ActivationRows, _ key: ActivationRows, _ value: ActivationRows, _ bias: Matrix?,
        into output: ActivationRows, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let (rows, width) = (query.rows, query.columns)
        // Wide heads use shorter blocks, so that the panels of a block stay in the cache.
        let block = width > 128 ? Self.keyBlock / 2 : Self.keyBlock
        let panels = (width + Self.panelWidth - 1) / Self.panelWidth
        let keys = try scratch.floats(block * width, slot: 0)
        let values = try scratch.floats(panels * block * Self.panelWidth, slot: 1)
        let scores = try scratch.floats(Self.queryTile * block, slot: 2)
        let statistics = try scratch.floats(3 * rows, slot: 3)
        let (maximum, sum, correction) = (statistics, statistics + rows, statistics + 2 * rows)
        maximum.update(repeating: -.infinity, count: rows)
        sum.update(repeating: 0, count: rows)
        for first in stride(from: 0, to: key.rows, by: block) {
            // A task of a VAE at 1024 pixels takes a quarter of a second.
            guard !scratch.isCancelled else { return }
            let part = first..<min(first + block, key.rows)
            pack(keys: key.rows(part), into: keys, kernels)
            pack(values: value.rows(part), into: values)
            for row in stride(from: 0, to: rows, by: Self.queryTile) {
                let tile = row..<min(row + Self.queryTile, rows)
                let share = part.upperBound + row * block / rows..<part.upperBound + tile.upperBound * block / rows
                for next in [key, value] { next.rows(share.clamped(to: 0..<key.rows)).prefetch(kernels) }
                let (query, output) = (query.rows(tile), output.rows(tile))
                query.multiply(panels: keys, columns: part.count, into: scores, stride: block, kernels)
                kernels.table.pointee.softmax_block(
                    tile.count, part.count, scale, scores, block,
                    bias.map { UnsafePointer($0.row(tile.lowerBound) + first) }, bias?.stride ?? 0, maximum + row,
                    sum + row, correction + row)
                if first > 0 {
                    kernels.table.pointee.scale_rows(
                        tile.count, width, output.floats, output.elementStride, correction + row)
                }
                for panel in 0..<panels {
                    let column = panel * Self.panelWidth
                    kernels.table.pointee.gemm_float32(
                        tile.count, min(Self.panelWidth, width - column), part.count, scores, block,
                        values + column * part.count, values + (column + Self.panelWidth) * part.count,
                        output.floats + column, output.elementStride, first > 0 ? 1 : 0)
                }
            }
        }
        for row in 0..<rows { sum[row] = 1 / sum[row] }
        kernels.table.pointee.scale_rows(rows, width, output.floats, output.elementStride, sum)
    }

    private func pack(keys: ActivationRows, into panels: UnsafeMutablePointer<Float>, _ kernels: Kernels) {
        for first in stride(from: 0, to: keys.rows, by: Self.panelWidth) {
            let part = keys.rows(first..<min(first + Self.panelWidth, keys.rows))
            kernels.table.pointee.pack_panel(
                part.rows, keys.columns, part.start, part.stride, panels + first * keys.columns)
        }
    }

    /// Values packed in panels of 32 columns, [panels][keys][32].
    private func pack(values: ActivationRows, into panels: UnsafeMutablePointer<Float>) {
        for first in stride(from: 0, to: values.columns, by: Self.panelWidth) {
            let count = min(Self.panelWidth, values.columns - first)
            for row in 0..<values.rows {
                let target = panels + first * values.rows + row * Self.panelWidth
                target.update(from: values.floats + row * values.elementStride + first, count: count)
                if count < Self.panelWidth { (target + count).update(repeating: 0, count: Self.panelWidth - count) }
            }
        }
    }
}

extension ActivationRows {
    /// The first element of float32 rows.
    fileprivate var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }

    /// Prefetches rows.
    fileprivate func prefetch(_ kernels: Kernels) {
        kernels.table.pointee.prefetch_rows(rows, columns * encoding.size, start, stride)
    }

    /// out[rows][columns] = self times consecutive panels of 32 columns, in float32
    fileprivate func multiply(
        panels: UnsafeMutablePointer<Float>, columns count: Int, into out: UnsafeMutablePointer<Float>, stride: Int,
        _ kernels: Kernels
    ) {
        let panelWidth = Int(NATIVE_PANEL)
        for first in Swift.stride(from: 0, to: count, by: panelWidth) {
            kernels.table.pointee.gemm_float32(
                rows, min(panelWidth, count - first), columns, floats, elementStride, panels + first * columns,
                panels + (first + panelWidth) * columns, out + first, stride, 0)
        }
    }
}
