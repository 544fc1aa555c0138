import PixArtCompute
import PixArtStorage

/// The AdaLN-single conditioning of every block: the timestep and, for 1024-pixel checkpoints, the image's size and
/// aspect ratio.
///
/// This implementation matches diffusers' `AdaLayerNormSingle` over `PixArtAlphaCombinedTimestepSizeEmbeddings`.
struct TimestepConditioning: Sendable {
    /// Two linear layers with SiLU between them, applied to a sinusoidal embedding.
    private struct Embedder: Sendable {
        private var first, second: Linear

        init(_ name: String, width: Int, _ reader: WeightReader) throws(PixArtError) {
            first = try reader.linear("\(name).linear_1", outputs: width, inputs: SinusoidalEmbedding.timestepWidth)
            second = try reader.linear("\(name).linear_2", outputs: width, inputs: width)
        }

        mutating func set(strengths: [Int: Float]) {
            first.set(strengths: strengths)
            second.set(strengths: strengths)
        }

        func callAsFunction(_ value: Float, _ pool: ThreadPool) throws(PixArtError) -> [Float] {
            let waves = try Matrix(
                rows: 1, columns: SinusoidalEmbedding.timestepWidth, elements: SinusoidalEmbedding.timestep(value))
            let hidden = try Matrix(rows: 1, columns: first.weight.outputs)
            let output = try Matrix(rows: 1, columns: second.weight.outputs)
            try first(waves, into: hidden, pool)
            hidden.silu()
            try second(hidden, into: output, pool)
            return output.elements
        }
    }

    private var timestep: Embedder
    private var size: (resolution: Embedder, aspectRatio: Embedder)?
    private var modulation: Linear

    init(width: Int, sizeConditions: Bool, _ reader: WeightReader) throws(PixArtError) {
        timestep = try Embedder("adaln_single.emb.timestep_embedder", width: width, reader)
        size =
            sizeConditions
            ? (
                try Embedder("adaln_single.emb.resolution_embedder", width: width / 3, reader),
                try Embedder("adaln_single.emb.aspect_ratio_embedder", width: width / 3, reader)
            ) : nil
        modulation = try reader.linear("adaln_single.linear", outputs: 6 * width, inputs: width)
    }

    /// Gives adapters other strengths, by their numbers.
    mutating func set(strengths: [Int: Float]) {
        timestep.set(strengths: strengths)
        size?.resolution.set(strengths: strengths)
        size?.aspectRatio.set(strengths: strengths)
        modulation.set(strengths: strengths)
    }

    /// The embedding [D] of the condition, and the modulation [6*D] for all blocks.
    func callAsFunction(
        timestep value: Float, size pixels: (height: Int, width: Int), _ pool: ThreadPool
    ) throws(PixArtError) -> (embedding: [Float], modulation: [Float]) {
        var embedding = try timestep(value, pool)
        if let size {
            let parts =
                try size.resolution(Float(pixels.height), pool) + size.resolution(Float(pixels.width), pool)
                + size.aspectRatio(Float(Double(pixels.height) / Double(pixels.width)), pool)
            for index in embedding.indices { embedding[index] += parts[index] }
        }
        let activated = try Matrix(rows: 1, columns: embedding.count, elements: embedding)
        activated.silu()
        let output = try Matrix(rows: 1, columns: modulation.weight.outputs)
        try modulation(activated, into: output, pool)
        return (embedding, output.elements)
    }
}
