import PixArtCompute

/// The encoder half of T5 v1.1: token ids in, one embedding row for each out.
///
/// This implementation matches transformers' `T5EncoderModel` with `feed_forward_proj: "gated-gelu"`.
/// It runs over real tokens only: the reference masks its padding exactly, so that rows do not depend on it.
package struct T5Encoder: Sendable {
    package struct Configuration: Sendable, Equatable {
        package var vocabulary: Int
        /// Width of the embedding, E.
        package var width: Int
        package var feedForwardWidth: Int
        package var layers: Int
        package var heads: Int
        package var headWidth: Int
        package var positionBuckets: Int
        package var maximumDistance: Int
        package var epsilon: Float

        package init(
            vocabulary: Int, width: Int, feedForwardWidth: Int, layers: Int, heads: Int, headWidth: Int,
            positionBuckets: Int, maximumDistance: Int, epsilon: Float
        ) {
            self.vocabulary = vocabulary
            self.width = width
            self.feedForwardWidth = feedForwardWidth
            self.layers = layers
            self.heads = heads
            self.headWidth = headWidth
            self.positionBuckets = positionBuckets
            self.maximumDistance = maximumDistance
            self.epsilon = epsilon
        }
    }

    /// One layer: self-attention, then a gated feed-forward, each on a normalised copy and added back.
    private struct Layer: Sendable {
        let attentionNorm: [Float]
        let query, key, value, output: Linear
        let feedForwardNorm: [Float]
        let gate, up, down: Linear
    }

    package let configuration: Configuration
    private let tokens: WeightMatrix
    private let positionBias: [Float]
    private let layers: [Layer]
    private let finalNorm: [Float]

    /// Takes the encoder's weights by their names in published files; `decoder.*` and `lm_head.*` of a whole T5 are
    /// passed over. Fails with `.model`.
    package init(_ configuration: Configuration, _ reader: WeightReader) throws(PixArtError) {
        let (width, inner) = (configuration.width, configuration.heads * configuration.headWidth)
        let shared = reader.contains("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight"
        tokens = try reader.matrix(shared, outputs: configuration.vocabulary, inputs: width)
        positionBias = try reader.floats(
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            [configuration.positionBuckets, configuration.heads])
        var layers: [Layer] = []
        for index in 0..<configuration.layers {
            let attention = "encoder.block.\(index).layer.0"
            let feedForward = "encoder.block.\(index).layer.1"
            func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(PixArtError) -> Linear {
                try reader.linear(name, outputs: outputs, inputs: inputs, bias: false)
            }
            layers.append(
                Layer(
                    attentionNorm: try reader.floats("\(attention).layer_norm.weight", [width]),
                    query: try linear("\(attention).SelfAttention.q", inner, width),
                    key: try linear("\(attention).SelfAttention.k", inner, width),
                    value: try linear("\(attention).SelfAttention.v", inner, width),
                    output: try linear("\(attention).SelfAttention.o", width, inner),
                    feedForwardNorm: try reader.floats("\(feedForward).layer_norm.weight", [width]),
                    gate: try linear("\(feedForward).DenseReluDense.wi_0", configuration.feedForwardWidth, width),
                    up: try linear("\(feedForward).DenseReluDense.wi_1", configuration.feedForwardWidth, width),
                    down: try linear("\(feedForward).DenseReluDense.wo", width, configuration.feedForwardWidth)))
        }
        self.layers = layers
        finalNorm = try reader.floats("encoder.final_layer_norm.weight", [width])
        self.configuration = configuration
        try reader.finish(ignoring: ["decoder.", "lm_head.", "shared.weight", "encoder.embed_tokens.weight"])
    }

    /// The embedding [S, E] of `ids` [S]; each id is in `0..<vocabulary`, and there is at least one.
    ///
    /// `afterLayer` sees the residual stream [S, E] after each layer.
    package func callAsFunction(
        _ ids: [Int32], _ pool: ThreadPool, afterLayer: (Matrix) -> Void = { _ in }
    ) throws(PixArtError) -> Matrix {
        let (rows, width) = (ids.count, configuration.width)
        let inner = configuration.heads * configuration.headWidth
        let x = try embed(ids)
        let normed = try Matrix(rows: rows, columns: width)
        let query = try Matrix(rows: rows, columns: inner)
        let key = try Matrix(rows: rows, columns: inner)
        let value = try Matrix(rows: rows, columns: inner)
        let attended = try Matrix(rows: rows, columns: inner)
        let gate = try Matrix(rows: rows, columns: configuration.feedForwardWidth)
        let up = try Matrix(rows: rows, columns: configuration.feedForwardWidth)
        let bias = try positionBias(length: rows)
        let attention = Attention(heads: configuration.heads, scale: 1)
        let ones = [Float](repeating: 1, count: width)

        for layer in layers {
            x.rmsNorm(weight: layer.attentionNorm, epsilon: configuration.epsilon, into: normed, pool)
            try layer.query(normed, into: query, pool)
            try layer.key(normed, into: key, pool)
            try layer.value(normed, into: value, pool)
            try attention(query: query, key: key, value: value, bias: bias, into: attended, pool)
            try layer.output(attended, into: x, pool, epilogue: .accumulate(gate: ones))

            x.rmsNorm(weight: layer.feedForwardNorm, epsilon: configuration.epsilon, into: normed, pool)
            try layer.gate(normed, into: gate, pool)
            try layer.up(normed, into: up, pool)
            gate.gelu(times: up, pool)
            try layer.down(gate, into: x, pool, epilogue: .accumulate(gate: ones))
            afterLayer(x)
        }
        x.rmsNorm(weight: finalNorm, epsilon: configuration.epsilon, into: normed, pool)
        return normed
    }

    private func embed(_ ids: [Int32]) throws(PixArtError) -> Matrix {
        let x = try Matrix(rows: ids.count, columns: configuration.width)
        for (row, id) in ids.enumerated() {
            precondition((0..<configuration.vocabulary).contains(Int(id)))
            tokens.widen(outputs: Int(id)..<Int(id) + 1, into: x.rows(row..<row + 1))
        }
        return x
    }

    /// What attention adds to its scores, [H*S, S]: a learned number for each head and bucket of distances.
    private func positionBias(length: Int) throws(PixArtError) -> Matrix {
        let heads = configuration.heads
        let bias = try Matrix(rows: heads * length, columns: length)
        for query in 0..<length {
            for key in 0..<length {
                let bucket = RelativePosition.bucket(
                    of: key - query, buckets: configuration.positionBuckets, maximum: configuration.maximumDistance)
                for head in 0..<heads { bias[head * length + query, key] = positionBias[bucket * heads + head] }
            }
        }
        return bias
    }
}
