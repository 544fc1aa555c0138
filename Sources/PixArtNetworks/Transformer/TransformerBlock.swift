import PixArtCompute
import PixArtStorage

/// A prompt's keys and values for the cross-attention of one block. The same in all steps.
indirect enum CrossAttentionCache: Sendable {
    /// Keys and values, [S, D].
    case tokens(key: ActivationRows, value: ActivationRows)
    /// For a single token, such as an empty prompt: all attention is on it, so this row, [D], is added to every
    /// row.
    case one([Float])
}

/// One block of the PixArt transformer: self-attention, cross-attention to the prompt, feed-forward.
struct TransformerBlock: Sendable {
    /// Projections of an attention layer.
    struct Projections: Sendable {
        private(set) var query, key, value, output: Linear

        /// `promptMinimum` is the minimum precision of key and value.
        init(
            _ name: String, width: Int, bias: Bool, promptMinimum: WeightEncoding, _ reader: WeightReader
        ) throws(PixArtError) {
            func linear(_ part: String, bias: Bool, _ minimum: WeightEncoding) throws(PixArtError) -> Linear {
                try reader.linear("\(name).\(part)", outputs: width, inputs: width, bias: bias, minimum: minimum)
            }
            query = try linear("to_q", bias: bias, .int4)
            key = try linear("to_k", bias: bias, promptMinimum)
            value = try linear("to_v", bias: bias, promptMinimum)
            output = try linear("to_out.0", bias: true, .int4)
        }

        mutating func set(strengths: [Int: Float]) {
            query.set(strengths: strengths)
            key.set(strengths: strengths)
            value.set(strengths: strengths)
            output.set(strengths: strengths)
        }

        func discard() {
            for linear in [query, key, value, output] { linear.discard() }
        }
    }

    private var selfAttention: Projections
    private var crossAttention: Projections
    private var feedForward: (Linear, Linear)
    private let table: [Float]
    private let attention: Attention
    private let epsilon: Float

    init(
        _ name: String, _ configuration: PixArtTransformer.Configuration, _ reader: WeightReader
    ) throws(PixArtError) {
        let width = configuration.width
        selfAttention = try Projections(
            "\(name).attn1", width: width, bias: configuration.attentionBias, promptMinimum: .int4, reader)
        crossAttention = try Projections(
            "\(name).attn2", width: width, bias: configuration.attentionBias, promptMinimum: .int8, reader)
        feedForward = (
            try reader.linear("\(name).ff.net.0.proj", outputs: 4 * width, inputs: width, minimum: .int4),
            try reader.linear("\(name).ff.net.2", outputs: width, inputs: 4 * width, minimum: .int4)
        )
        table = try reader.floats("\(name).scale_shift_table", [6, width])
        attention = Attention(
            heads: configuration.heads, scale: 1 / Float(configuration.headWidth).squareRoot())
        epsilon = configuration.epsilon
    }

    /// Gives adapters other strengths, by their numbers.
    mutating func set(strengths: [Int: Float]) {
        selfAttention.set(strengths: strengths)
        crossAttention.set(strengths: strengths)
        feedForward.0.set(strengths: strengths)
        feedForward.1.set(strengths: strengths)
    }

    /// Drops the pages of mapped weights. They are read again when they are touched.
    func discard() {
        selfAttention.discard()
        crossAttention.discard()
        feedForward.0.discard()
        feedForward.1.discard()
    }

    /// The cache of a prompt, from its projected caption [S, D]. Keys and values have the encoding `encoding`.
    func context(
        of caption: ActivationRows, encoding: ActivationRows.Encoding, _ pool: ThreadPool
    ) throws(PixArtError) -> CrossAttentionCache {
        let width = caption.columns
        guard caption.rows == 1 else {
            let key = try ActivationRows(rows: caption.rows, columns: width, encoding: encoding)
            let value = try ActivationRows(rows: caption.rows, columns: width, encoding: encoding)
            try Linear.multiply(
                caption, [.init(crossAttention.key, key), .init(crossAttention.value, value)], pool)
            return .tokens(key: key, value: value)
        }
        let value = try ActivationRows(rows: 1, columns: width, encoding: .float32)
        let output = try Matrix(rows: 1, columns: width)
        try crossAttention.value(caption, into: value, pool)
        let rounded = try ActivationRows(rows: 1, columns: width, encoding: caption.encoding)
        try value.store(into: rounded, pool)
        try crossAttention.output(rounded, into: ActivationRows(output), pool)
        return .one(output.elements)
    }

    /// Advances the residual stream `a.x`, [B*T, D], of items of `tokens` rows.
    ///
    /// `modulation` is [6*D], the timestep's part of shifts, scales and gates. The first `attending` items use
    /// self-attention; the others use its values unchanged. `contexts` are the caches of ranges of rows, in order
    /// and without gaps. `kept` outputs of modules are written for later steps, or stand for the modules.
    func callAsFunction(
        _ a: PixArtTransformer.Activations, modulation: [Float], tokens: Int, attending: Int,
        contexts: [(rows: Range<Int>, context: CrossAttentionCache)], kept: StepCache.Outputs? = nil,
        _ pool: ThreadPool
    ) throws(PixArtError) {
        let width = a.x.columns
        func part(_ index: Int) -> [Float] {
            (index * width..<(index + 1) * width).map { table[$0] + modulation[$0] }
        }
        try advance(a.x, by: kept?[.selfAttention], gate: part(2), pool) { output, epilogue throws(PixArtError) in
            try a.x.layerNorm(shift: part(0), scale: part(1), epsilon: epsilon, into: a.normed, pool)
            try selfAttend(a, tokens: tokens, items: attending, pool)
            try selfAttention.output(a.rounded(a.attended, pool), into: output, pool, epilogue: epilogue)
        }
        try crossAttend(contexts, a, kept: kept?[.crossAttention], pool)
        try advance(a.x, by: kept?[.feedForward], gate: part(5), pool) { output, epilogue throws(PixArtError) in
            try a.x.layerNorm(shift: part(3), scale: part(4), epsilon: epsilon, into: a.normed, pool)
            try feedForward.0(a.normed, into: a.hidden, pool, epilogue: .gelu)
            try feedForward.1(a.rounded(a.hidden, pool), into: output, pool, epilogue: epilogue)
        }
    }

    /// Adds the output of a module to rows of the stream: as `compute` puts it out with the epilogue that it gets, or by
    /// way of rows that are kept.
    private func advance(
        _ stream: Matrix, by kept: StepCache.Output?, gate: [Float]?, _ pool: ThreadPool,
        _ compute: (_ output: ActivationRows, _ epilogue: Linear.Epilogue) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        guard let kept else { return try compute(ActivationRows(stream), gate.map { .accumulate(gate: $0) } ?? .add) }
        if !kept.isReused { try compute(kept.rows, .store) }
        try kept.rows.add(to: stream, gate: gate, pool)
    }

    /// Self-attention from `a.normed` into `a.attended` for the first `items` items; only values for the others.
    private func selfAttend(
        _ a: PixArtTransformer.Activations, tokens: Int, items: Int, _ pool: ThreadPool
    ) throws(PixArtError) {
        let attending = 0..<items * tokens
        if !attending.isEmpty {
            try Linear.multiply(
                a.normed.rows(attending),
                [
                    .init(selfAttention.query, a.query.rows(attending)),
                    .init(selfAttention.key, a.key.rows(attending)),
                    .init(selfAttention.value, a.value.rows(attending)),
                ], pool)
            let sequences = (0..<items).map { item in
                let rows = item * tokens..<(item + 1) * tokens
                return Attention.Sequence(
                    query: a.query.rows(rows), key: a.key.rows(rows), value: a.value.rows(rows),
                    into: a.attended.rows(rows))
            }
            if let heads = a.heads {
                try attention.inInt8(sequences, heads, pool)
            } else {
                try attention(sequences, pool)
            }
        }
        let others = attending.upperBound..<a.x.rows
        if !others.isEmpty {
            try selfAttention.value(a.normed.rows(others), into: a.attended.rows(others), pool)
        }
    }

    /// Cross-attention, added to the residual stream. A single token adds the same in all steps, so it is not kept.
    private func crossAttend(
        _ contexts: [(rows: Range<Int>, context: CrossAttentionCache)], _ a: PixArtTransformer.Activations,
        kept: StepCache.Output?, _ pool: ThreadPool
    ) throws(PixArtError) {
        var attending: [(rows: Range<Int>, key: ActivationRows, value: ActivationRows)] = []
        /// The rows gathered so far, which are adjacent, in one GEMM.
        func attendGathered() throws(PixArtError) {
            guard let first = attending.first, let last = attending.last else { return }
            let rows = first.rows.lowerBound..<last.rows.upperBound
            let stream = a.x.rows(rows)
            try advance(stream, by: kept?.rows(rows), gate: nil, pool) { output, epilogue throws(PixArtError) in
                try crossAttention.query(a.rounded(ActivationRows(stream), pool), into: a.query.rows(rows), pool)
                let sequences = attending.map { rows, key, value in
                    Attention.Sequence(query: a.query.rows(rows), key: key, value: value, into: a.attended.rows(rows))
                }
                try attention(sequences, pool)
                try crossAttention.output(
                    a.rounded(a.attended.rows(rows), pool), into: output, pool, epilogue: epilogue)
            }
            attending = []
        }
        for (rows, context) in contexts {
            switch context {
            case .tokens(let key, let value): attending.append((rows, key, value))
            case .one(let addend):
                try attendGathered()
                try a.x.rows(rows).add(row: addend, pool)
            }
        }
        try attendGathered()
    }
}
