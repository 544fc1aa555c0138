import PixArtCompute
import PixArtStorage

extension PixArtTransformer {
    /// Memory of one run: the activations of the blocks.
    struct Activations: Sendable {
        /// The residual stream, [B*T, D], float32.
        let x: Matrix
        /// GEMM activations, [B*T, D].
        let normed: ActivationRows
        /// In the encoding of attention, [B*T, D].
        let query, key, value, attended: ActivationRows
        /// Between the two layers of the feed-forward, [B*T, 4D], and the same rounded for a GEMM, if that
        /// needs another encoding.
        let hidden, roundedHidden: ActivationRows
        /// Memory for the heads of int8 self-attention; nil if that has another precision.
        let heads: ActivationRows?

        init(
            items: Int, tokens: Int, _ configuration: Configuration, _ compute: ComputePrecision,
            _ attention: AttentionPrecision?, _ pool: ThreadPool
        ) throws(PixArtError) {
            let (rows, width) = (items * tokens, configuration.width)
            let encoding = pool.encoding(for: compute)
            let attentionEncoding = Self.attentionEncoding(configuration, compute, pool)
            let hidden = try ActivationRows(rows: rows, columns: 4 * width, encoding: attentionEncoding)
            let further = try ActivationRows(
                rows: Self.furtherRows(items: items, tokens: tokens, configuration, compute, attention, pool),
                columns: 4 * width, encoding: encoding)
            self.init(
                x: try Matrix(rows: rows, columns: width),
                normed: try ActivationRows(rows: rows, columns: width, encoding: encoding), hidden: hidden,
                roundedHidden: encoding == attentionEncoding ? hidden : further.rows(0..<rows),
                heads: Self.usesInt8Attention(configuration, compute, attention) ? further : nil)
        }

        private init(
            x: Matrix, normed: ActivationRows, hidden: ActivationRows, roundedHidden: ActivationRows,
            heads: ActivationRows?
        ) {
            self.x = x
            self.normed = normed
            self.hidden = hidden
            self.roundedHidden = roundedHidden
            self.heads = heads
            // The feed-forward runs after attention, so they share memory.
            let width = x.columns
            query = hidden.columns(0..<width)
            key = hidden.columns(width..<2 * width)
            value = hidden.columns(2 * width..<3 * width)
            attended = hidden.columns(3 * width..<4 * width)
        }

        /// Views of the first rows.
        func first(_ count: Int) -> Activations {
            Activations(
                x: x.rows(0..<count), normed: normed.rows(0..<count), hidden: hidden.rows(0..<count),
                roundedHidden: roundedHidden.rows(0..<count), heads: heads)
        }

        /// The same memory around another stream of as many rows.
        func with(stream: Matrix) -> Activations {
            Activations(x: stream, normed: normed, hidden: hidden, roundedHidden: roundedHidden, heads: heads)
        }

        /// The stream as the input of a GEMM in bfloat16, or in float32 if `compute` is that. Overwrites the queries.
        func streamInBFloat16(_ pool: ThreadPool) throws(PixArtError) -> ActivationRows {
            let stream = ActivationRows(x)
            guard query.encoding != .float32 else { return stream }
            try stream.store(into: query, pool)
            return query
        }

        /// The encoding of queries, keys and values.
        static func attentionEncoding(
            _ configuration: Configuration, _ compute: ComputePrecision, _ pool: ThreadPool
        ) -> ActivationRows.Encoding {
            guard compute != .float32 else { return .float32 }
            let encoding = pool.encoding(for: .bfloat16)
            return Attention.takesBfloat16(headWidth: configuration.headWidth) ? encoding : .emulatedBFloat16
        }

        private static func usesInt8Attention(
            _ configuration: Configuration, _ compute: ComputePrecision, _ attention: AttentionPrecision?
        ) -> Bool {
            (attention ?? (compute == .int8 ? .int8 : .bfloat16)) == .int8
                && Attention.takesInt8(headWidth: configuration.headWidth)
        }

        /// Rows of [4D] that are allocated in addition to `hidden`: for the same numbers rounded, and for the heads of
        /// int8 attention. Both use the same memory.
        static func furtherRows(
            items: Int, tokens: Int, _ configuration: Configuration, _ compute: ComputePrecision,
            _ attention: AttentionPrecision?, _ pool: ThreadPool
        ) -> Int {
            let encoding = pool.encoding(for: compute)
            let rounded = encoding == attentionEncoding(configuration, compute, pool) ? 0 : items * tokens
            guard usesInt8Attention(configuration, compute, attention) else { return rounded }
            let bytes = items * Attention.int8Bytes(heads: configuration.heads, keys: tokens)
            let stride = ActivationRows.stride(columns: 4 * configuration.width, encoding: encoding)
            return max(rounded, (bytes + stride - 1) / stride)
        }

        /// Rows as GEMMs read them; the same rows if they have that encoding.
        func rounded(_ rows: ActivationRows, _ pool: ThreadPool) throws(PixArtError) -> ActivationRows {
            guard rows.encoding != normed.encoding else { return rows }
            let target = (rows.columns == normed.columns ? normed : roundedHidden).rows(0..<rows.rows)
            try rows.store(into: target, pool)
            return target
        }
    }
}
