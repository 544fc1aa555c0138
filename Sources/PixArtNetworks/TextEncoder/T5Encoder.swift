import Glibc
import PixArtCompute
import PixArtStorage

/// The encoder of T5 v1.1: token ids in, one embedding row for each out.
///
/// This implementation matches transformers' `T5EncoderModel` with `feed_forward_proj: "gated-gelu"`. It computes real
/// tokens only: the reference masks padding exactly, so the rows do not depend on it.
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

    package let configuration: Configuration
    private let compute: ComputePrecision
    private let tokens: WeightMatrix
    private let positionBias: [Float]
    /// Empty if layers are streamed.
    private let layers: [T5Layer]
    /// The source of streamed layers.
    private let loading: WeightLoading?
    private let finalNorm: [Float]

    /// Reads the encoder's weights by their names in published files. Fails with `.model`.
    ///
    /// With `streamed` the layers are read again for each embedding, one at a time, and freed afterwards.
    package init(
        _ configuration: Configuration, compute: ComputePrecision = .float32, streamed: Bool = false,
        _ reader: WeightReader
    ) throws(PixArtError) {
        reader.begin(.textEncoder)
        let shared = reader.contains("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight"
        tokens = try reader.table(shared, rows: configuration.vocabulary, columns: configuration.width)
        positionBias = try reader.floats(
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            [configuration.positionBuckets, configuration.heads])
        func layers() throws(PixArtError) -> [T5Layer] {
            var layers: [T5Layer] = []
            for index in 0..<configuration.layers { layers.append(try T5Layer(index, configuration, reader)) }
            return layers
        }
        if streamed {
            try reader.withoutConversion { () throws(PixArtError) in _ = try layers() }
            self.layers = []
        } else {
            self.layers = try layers()
        }
        loading = streamed ? reader.loading : nil
        finalNorm = try reader.floats("encoder.final_layer_norm.weight", [configuration.width])
        self.configuration = configuration
        self.compute = compute
        try reader.finish()
    }

    /// The embedding [S, E] of `ids` [S]. Each id is in `0..<vocabulary`, and there is at least one.
    ///
    /// `afterLayer` is called with the residual stream [S, E] after each layer.
    package func callAsFunction(
        _ ids: [Int32], _ pool: ThreadPool, afterLayer: (Matrix) -> Void = { _ in }
    ) throws(PixArtError) -> Matrix {
        let x = try embed(ids)
        let activations = try T5Layer.Activations(rows: ids.count, configuration, compute, pool)
        let bias = try positionBias(length: ids.count)
        for index in 0..<configuration.layers {
            let streamed = try loading.map { loading throws(PixArtError) in
                try T5Layer(index, configuration, WeightReader(loading))
            }
            try (streamed ?? layers[index])(x, activations, bias: bias, pool)
            streamed?.discard()
            afterLayer(x)
            try CallProgress.report(share: Double(index + 1) / Double(configuration.layers))
        }
        let output = try Matrix(rows: x.rows, columns: x.columns)
        try x.rmsNorm(weight: finalNorm, epsilon: configuration.epsilon, into: ActivationRows(output), pool)
        return output
    }

    private func embed(_ ids: [Int32]) throws(PixArtError) -> Matrix {
        let x = try Matrix(rows: ids.count, columns: configuration.width)
        for (row, id) in ids.enumerated() {
            precondition((0..<configuration.vocabulary).contains(Int(id)))
            tokens.widen(outputs: Int(id)..<Int(id) + 1, into: x.rows(row..<row + 1))
        }
        return x
    }

    /// The attention bias, [H*S, S]: a learned number for each head and bucket of relative positions.
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

/// T5's buckets of relative positions, in both directions.
package enum RelativePosition {
    /// The bucket of a key `distance` tokens after its query; negative if it is before.
    ///
    /// Each direction has half of the buckets. The first half of these are single distances. The others widen
    /// logarithmically up to `maximum`; all larger distances share the last one.
    package static func bucket(of distance: Int, buckets: Int, maximum: Int) -> Int {
        let half = buckets / 2
        let exact = half / 2
        let base = distance > 0 ? half : 0
        let magnitude = abs(distance)
        guard magnitude >= exact else { return base + magnitude }
        let octaves = logf(Float(magnitude) / Float(exact)) / Float(log(Double(maximum) / Double(exact)))
        return base + min(exact + Int(octaves * Float(half - exact)), half - 1)
    }
}
