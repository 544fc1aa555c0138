import PixArtCompute
import PixArtStorage

/// One layer of T5's encoder: self-attention, then a gated feed-forward layer, each with RMS norm and a residual.
struct T5Layer: Sendable {
    private let attentionNorm: [Float]
    private let query, key, value, output: Linear
    private let feedForwardNorm: [Float]
    private let gate, up, down: Linear
    private let configuration: T5Encoder.Configuration

    init(_ index: Int, _ configuration: T5Encoder.Configuration, _ reader: WeightReader) throws(PixArtError) {
        let attention = "encoder.block.\(index).layer.0"
        let feedForward = "encoder.block.\(index).layer.1"
        let (width, inner) = (configuration.width, configuration.heads * configuration.headWidth)
        func linear(
            _ name: String, _ outputs: Int, _ inputs: Int, _ minimum: WeightEncoding = .int4
        ) throws(PixArtError) -> Linear {
            try reader.linear(name, outputs: outputs, inputs: inputs, bias: false, minimum: minimum)
        }
        attentionNorm = try reader.floats("\(attention).layer_norm.weight", [width])
        query = try linear("\(attention).SelfAttention.q", inner, width)
        key = try linear("\(attention).SelfAttention.k", inner, width)
        value = try linear("\(attention).SelfAttention.v", inner, width)
        output = try linear("\(attention).SelfAttention.o", width, inner)
        feedForwardNorm = try reader.floats("\(feedForward).layer_norm.weight", [width])
        gate = try linear("\(feedForward).DenseReluDense.wi_0", configuration.feedForwardWidth, width)
        up = try linear("\(feedForward).DenseReluDense.wi_1", configuration.feedForwardWidth, width)
        // Trained models have large outliers after the gate: activations stay bfloat16 or wider, and
        // weights int8 or wider.
        down = try linear("\(feedForward).DenseReluDense.wo", width, configuration.feedForwardWidth, .int8)
        self.configuration = configuration
    }

    /// Memory of one pass, for all layers.
    struct Activations: Sendable {
        let normed, query, key, value, attended, roundedAttended: ActivationRows
        let gate: ActivationRows

        init(
            rows: Int, _ configuration: T5Encoder.Configuration, _ compute: ComputePrecision, _ pool: ThreadPool
        ) throws(PixArtError) {
            let inner = configuration.heads * configuration.headWidth
            let encoding = pool.encoding(for: compute)
            normed = try ActivationRows(rows: rows, columns: configuration.width, encoding: encoding)
            query = try ActivationRows(rows: rows, columns: inner, encoding: .float32)
            key = try ActivationRows(rows: rows, columns: inner, encoding: .float32)
            value = try ActivationRows(rows: rows, columns: inner, encoding: .float32)
            attended = try ActivationRows(rows: rows, columns: inner, encoding: .float32)
            roundedAttended =
                encoding == .float32 ? attended : try ActivationRows(rows: rows, columns: inner, encoding: encoding)
            gate = try ActivationRows(
                rows: rows, columns: configuration.feedForwardWidth,
                encoding: pool.encoding(for: compute == .int8 ? .bfloat16 : compute))
        }
    }

    /// Advances the residual stream `x`, [S, E]. `bias` is added to the attention scores, [H*S, S].
    func callAsFunction(_ x: Matrix, _ a: Activations, bias: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        let stream = ActivationRows(x)
        try x.rmsNorm(weight: attentionNorm, epsilon: configuration.epsilon, into: a.normed, pool)
        try Linear.multiply(a.normed, [.init(query, a.query), .init(key, a.key), .init(value, a.value)], pool)
        try Attention(heads: configuration.heads, scale: 1)(
            query: a.query, key: a.key, value: a.value, bias: bias, into: a.attended, pool)
        if a.roundedAttended.encoding != a.attended.encoding { try a.attended.store(into: a.roundedAttended, pool) }
        try output(a.roundedAttended, into: stream, pool, epilogue: .add)

        try x.rmsNorm(weight: feedForwardNorm, epsilon: configuration.epsilon, into: a.normed, pool)
        try gate(a.normed, into: a.gate, pool, epilogue: .gelu)
        try up(a.normed, into: a.gate, pool, epilogue: .multiply)
        try down(a.gate, into: stream, pool, epilogue: .add)
    }

    /// Frees the pages of mapped weights.
    func discard() {
        for linear in [query, key, value, output, gate, up, down] { linear.discard() }
    }
}
