import PixArtCompute

/// One block of the PixArt transformer: self-attention, cross-attention to the prompt, feed-forward.
struct TransformerBlock: Sendable {
    /// Projections of an attention layer.
    struct Projections: Sendable {
        let query, key, value, output: Linear

        /// `promptPolicy` is that of key and value.
        init(
            _ name: String, width: Int, bias: Bool, promptPolicy: WeightPolicy, _ reader: WeightReader
        ) throws(PixArtError) {
            func linear(_ part: String, bias: Bool, _ policy: WeightPolicy) throws(PixArtError) -> Linear {
                try reader.linear("\(name).\(part)", outputs: width, inputs: width, bias: bias, policy: policy)
            }
            query = try linear("to_q", bias: bias, .int4)
            key = try linear("to_k", bias: bias, promptPolicy)
            value = try linear("to_v", bias: bias, promptPolicy)
            output = try linear("to_out.0", bias: true, .int4)
        }
    }

    private let selfAttention: Projections
    let crossAttention: Projections
    private let feedForward: (Linear, Linear)
    private let table: [Float]
    private let attention: Attention
    private let epsilon: Float

    init(
        _ name: String, _ configuration: PixArtTransformer.Configuration, _ reader: WeightReader
    ) throws(PixArtError) {
        let width = configuration.width
        selfAttention = try Projections(
            "\(name).attn1", width: width, bias: configuration.attentionBias, promptPolicy: .int4, reader)
        crossAttention = try Projections(
            "\(name).attn2", width: width, bias: configuration.attentionBias, promptPolicy: .int8, reader)
        feedForward = (
            try reader.linear("\(name).ff.net.0.proj", outputs: 4 * width, inputs: width, policy: .int4),
            try reader.linear("\(name).ff.net.2", outputs: width, inputs: 4 * width, policy: .int4)
        )
        table = try reader.floats("\(name).scale_shift_table", [6, width])
        attention = Attention(
            heads: configuration.heads, scale: 1 / Float(configuration.headWidth).squareRoot())
        epsilon = configuration.epsilon
    }

    /// Advances the residual stream `a.x`, [N*T, D].
    ///
    /// `modulation` is [6*D], the timestep's part of shifts, scales and gates. `prompts` gives ranges of rows the keys
    /// and values [S, D] that they attend to.
    func callAsFunction(
        _ a: PixArtTransformer.Activations, modulation: [Float], items: Int,
        prompts: [(rows: Range<Int>, key: Operand, value: Operand)], _ pool: ThreadPool
    ) throws(PixArtError) {
        let width = a.x.columns
        func part(_ index: Int) -> [Float] {
            (index * width..<(index + 1) * width).map { table[$0] + modulation[$0] }
        }
        let (attentionShift, attentionScale, attentionGate) = (part(0), part(1), part(2))
        let (feedForwardShift, feedForwardScale, feedForwardGate) = (part(3), part(4), part(5))
        let stream = Operand(a.x)

        try a.x.layerNorm(shift: attentionShift, scale: attentionScale, epsilon: epsilon, into: a.normed, pool)
        try Linear.products(
            of: a.normed,
            [
                .init(selfAttention.query, a.query), .init(selfAttention.key, a.key),
                .init(selfAttention.value, a.value),
            ], pool)
        let tokens = a.x.rows / items
        let sequences = (0..<items).map { item in
            let rows = item * tokens..<(item + 1) * tokens
            return Attention.Sequence(
                query: a.query.rows(rows), key: a.key.rows(rows), value: a.value.rows(rows), into: a.attended.rows(rows)
            )
        }
        try attention(sequences, pool)
        try selfAttention.output(
            a.rounded(a.attended, pool), into: stream, pool, epilogue: .accumulate(gate: attentionGate))

        try crossAttention.query(a.rounded(stream, pool), into: a.query, pool)
        try attention(
            prompts.map { rows, key, value in
                .init(query: a.query.rows(rows), key: key, value: value, into: a.attended.rows(rows))
            }, pool)
        try crossAttention.output(a.rounded(a.attended, pool), into: stream, pool, epilogue: .add)

        try a.x.layerNorm(shift: feedForwardShift, scale: feedForwardScale, epsilon: epsilon, into: a.normed, pool)
        try feedForward.0(a.normed, into: a.hidden, pool, epilogue: .gelu)
        try feedForward.1(
            a.rounded(a.hidden, pool), into: stream, pool, epilogue: .accumulate(gate: feedForwardGate))
    }
}
