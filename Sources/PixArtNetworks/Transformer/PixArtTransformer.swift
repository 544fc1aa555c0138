import PixArtCompute
import PixArtStorage

/// The PixArt diffusion transformer.
///
/// This implementation matches diffusers' `PixArtTransformer2DModel` (and `Transformer2DModel` with
/// `ada_norm_single`). Dimensions: `B` items of a batch, `T` patches of an item, `D` hidden width, `H` heads, `K`
/// head width, `C` latent channels, `Y` and `X` latent rows and columns, `P` patch size, `S` text tokens, `E` caption
/// width.
package struct PixArtTransformer: Sendable {
    package struct Configuration: Sendable, Equatable {
        package var heads: Int
        package var headWidth: Int
        package var layers: Int
        package var inChannels: Int
        package var outChannels: Int
        package var patchSize: Int
        package var captionChannels: Int
        package var sampleSize: Int
        package var interpolationScale: Double
        /// Whether the network is conditioned on the image's size and aspect ratio.
        package var sizeConditions: Bool
        package var attentionBias: Bool
        package var epsilon: Float

        package var width: Int { heads * headWidth }

        package init(
            heads: Int, headWidth: Int, layers: Int, inChannels: Int, outChannels: Int, patchSize: Int,
            captionChannels: Int, sampleSize: Int, interpolationScale: Double, sizeConditions: Bool,
            attentionBias: Bool, epsilon: Float
        ) {
            self.heads = heads
            self.headWidth = headWidth
            self.layers = layers
            self.inChannels = inChannels
            self.outChannels = outChannels
            self.patchSize = patchSize
            self.captionChannels = captionChannels
            self.sampleSize = sampleSize
            self.interpolationScale = interpolationScale
            self.sizeConditions = sizeConditions
            self.attentionBias = attentionBias
            self.epsilon = epsilon
        }
    }

    package let configuration: Configuration
    /// The precision of the blocks; the layers around them are float32.
    package let compute: ComputePrecision
    /// The precision of self-attention; nil for that of `compute`.
    private let attention: AttentionPrecision?
    /// Whether mapped weights of a block are dropped once it is computed.
    private let isStreamed: Bool
    private var patchEmbedding: Linear
    private var conditioning: TimestepConditioning
    private var captionProjection: (Linear, Linear)
    private var blocks: [TransformerBlock]
    private let finalTable: [Float]
    private var finalProjection: Linear
    /// nil without a ControlNet.
    package private(set) var controlNet: ControlNet?

    /// Reads the weights by their names in diffusers' files. Fails with `.model`.
    ///
    /// With `streamed` the mapped pages of a block, and of a copy of a ControlNet, are dropped once it is computed.
    package init(
        _ configuration: Configuration, compute: ComputePrecision = .float32, attention: AttentionPrecision? = nil,
        streamed: Bool = false, _ reader: WeightReader
    ) throws(PixArtError) {
        reader.begin(.transformer)
        self.compute = compute
        self.attention = attention
        isStreamed = streamed
        let width = configuration.width
        let patch = configuration.patchSize * configuration.patchSize
        patchEmbedding = try reader.patches(
            "pos_embed.proj", outputs: width, channels: configuration.inChannels, kernel: configuration.patchSize)
        conditioning = try TimestepConditioning(
            width: width, sizeConditions: configuration.sizeConditions, reader)
        captionProjection = (
            try reader.linear(
                "caption_projection.linear_1", outputs: width, inputs: configuration.captionChannels, minimum: .bfloat16
            ),
            try reader.linear("caption_projection.linear_2", outputs: width, inputs: width, minimum: .bfloat16)
        )
        var blocks: [TransformerBlock] = []
        for index in 0..<configuration.layers {
            blocks.append(
                try reader.droppable { () throws(PixArtError) in
                    try TransformerBlock("transformer_blocks.\(index)", configuration, reader)
                })
        }
        self.blocks = blocks
        finalTable = try reader.floats("scale_shift_table", [2, width])
        finalProjection = try reader.linear(
            "proj_out", outputs: patch * configuration.outChannels, inputs: width)
        self.configuration = configuration
        try reader.finish()
    }

    /// The same transformer with a ControlNet that has fewer copies than this has blocks.
    package func with(_ controlNet: ControlNet) -> PixArtTransformer {
        precondition(controlNet.count < blocks.count)
        var result = self
        result.controlNet = controlNet
        return result
    }

    /// The same network with other strengths of adapters that are not merged, by their numbers. It shares the weights.
    package func with(strengths: [Int: Float]) -> PixArtTransformer {
        guard !strengths.isEmpty else { return self }
        var copy = self
        copy.patchEmbedding.set(strengths: strengths)
        copy.conditioning.set(strengths: strengths)
        copy.captionProjection.0.set(strengths: strengths)
        copy.captionProjection.1.set(strengths: strengths)
        for index in blocks.indices { copy.blocks[index].set(strengths: strengths) }
        copy.finalProjection.set(strengths: strengths)
        return copy
    }

    /// A prompt's cross-attention caches, one for each block, and one for each copy of a ControlNet. The same in every
    /// step.
    package struct PromptConditioning: Sendable {
        fileprivate let contexts: [CrossAttentionCache]
        fileprivate let copyContexts: [CrossAttentionCache]
    }

    /// Projects an embedding [S, E] for all blocks. At least one row.
    package func prompt(_ embedding: Matrix, _ pool: ThreadPool) throws(PixArtError) -> PromptConditioning {
        let hidden = try Matrix(rows: embedding.rows, columns: configuration.width)
        let caption = try Matrix(rows: embedding.rows, columns: configuration.width)
        try captionProjection.0(embedding, into: hidden, pool, epilogue: .gelu)
        try captionProjection.1(hidden, into: caption, pool)
        // int8 activations would save nothing here: a prompt is projected once, not in every step.
        let rows = try ActivationRows(
            rows: caption.rows, columns: caption.columns,
            encoding: pool.encoding(for: compute == .int8 ? .bfloat16 : compute))
        try ActivationRows(caption).store(into: rows, pool)
        let encoding = Activations.attentionEncoding(configuration, compute, pool)
        var contexts: [CrossAttentionCache] = []
        for block in blocks {
            contexts.append(try block.context(of: rows, encoding: encoding, pool))
            if isStreamed { block.discard() }
        }
        let copyContexts = try controlNet?.contexts(of: rows, encoding: encoding, streamed: isStreamed, pool)
        return PromptConditioning(contexts: contexts, copyContexts: copyContexts ?? [])
    }

    /// What all steps of a run share: positions, size, and the memory of activations. A step reads nothing that an
    /// earlier one wrote.
    package final class Workspace: Sendable {
        /// The largest shape of a prediction.
        let items: Int
        fileprivate let grid: PatchGrid
        fileprivate let positions: Matrix
        fileprivate let size: (height: Int, width: Int)
        fileprivate let activations: Activations
        /// The residual stream of a ControlNet, [B*T, D].
        fileprivate let copyStream: Matrix?

        /// The residual stream, [B*T, D].
        package var stream: Matrix { activations.x }

        /// Rows of an item in the stream.
        var tokens: Int { grid.count }

        fileprivate init(
            items: Int, grid: PatchGrid, positions: Matrix, size: (height: Int, width: Int), activations: Activations,
            copyStream: Matrix?
        ) {
            self.items = items
            self.grid = grid
            self.positions = positions
            self.size = size
            self.activations = activations
            self.copyStream = copyStream
        }
    }

    /// Memory for predictions from latents of `shape` or fewer items. Height and width are divisible by the patch
    /// size. `size` is the image's height and width in pixels, for conditioning. Fails with `.memory`.
    package func workspace(
        for shape: LatentShape, size: (height: Int, width: Int), _ pool: ThreadPool
    ) throws(PixArtError) -> Workspace {
        let grid = PatchGrid(height: shape.height, width: shape.width, patch: configuration.patchSize)
        let activations = try Activations(
            items: shape.images, tokens: grid.count, configuration, compute, attention, pool)
        let positions = try SinusoidalEmbedding.grid(
            height: grid.rows, width: grid.columns, columns: configuration.width,
            base: configuration.sampleSize / configuration.patchSize, scale: configuration.interpolationScale)
        let copyStream =
            controlNet == nil ? nil : try Matrix(rows: activations.x.rows, columns: configuration.width)
        return Workspace(
            items: shape.images, grid: grid, positions: positions, size: size, activations: activations,
            copyStream: copyStream)
    }

    /// Embeds the patches of latents, with their positions: [B*T, D].
    private func embed(
        _ latents: Latents, into rows: Matrix, _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) {
        let (grid, count) = (workspace.grid, workspace.grid.count)
        precondition(latents.shape.height == grid.height && latents.shape.width == grid.width)
        try patchEmbedding(grid.tokens(of: latents), into: rows, pool)
        for item in 0..<latents.shape.images {
            rows.rows(item * count..<(item + 1) * count).add(workspace.positions)
        }
    }

    /// The hint of control images, from their latents [B, C, Y, X], no more than the workspace has items. nil without a
    /// ControlNet.
    package func hint(
        _ latents: Latents, _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) -> ControlNet.Hint? {
        guard let controlNet, let stream = workspace.copyStream else { return nil }
        precondition(latents.shape.images <= workspace.items)
        // The stream is free between steps.
        let embedded = stream.rows(0..<latents.shape.images * workspace.grid.count)
        try embed(latents, into: embedded, workspace, pool)
        return try controlNet.hint(embedded: embedded, pool)
    }

    /// Consecutive items of a batch with the same prompt.
    package struct BatchSegment: Sendable {
        fileprivate let prompt: PromptConditioning
        fileprivate let items: Int
        fileprivate let isPerturbed: Bool

        /// The rows of each segment, with `tokens` rows per item, and the context that they attend to.
        fileprivate static func contexts(
            _ segments: [BatchSegment], tokens: Int, _ context: (PromptConditioning) -> CrossAttentionCache
        ) -> [(rows: Range<Int>, context: CrossAttentionCache)] {
            var row = 0
            return segments.map { segment in
                defer { row += segment.items * tokens }
                return (row..<row + segment.items * tokens, context(segment.prompt))
            }
        }

        /// Items with `isPerturbed` skip self-attention in some blocks: perturbed-attention guidance.
        package init(_ prompt: PromptConditioning, items: Int, isPerturbed: Bool = false) {
            self.prompt = prompt
            self.items = items
            self.isPerturbed = isPerturbed
        }
    }

    /// Predicts from noisy latents [B, C, Y, X], all at one `timestep`: [B, outChannels, Y, X].
    ///
    /// `segments` cover the items in order, perturbed ones last. In `perturbedBlocks` the perturbed items use the
    /// values of self-attention unchanged. A ControlNet runs only with a `control`. With a `cache`, results of earlier
    /// steps take the place of some blocks or modules. Reports each block and each copy that runs as a share of the
    /// step. Fails with `.cancelled`.
    package func callAsFunction(
        _ latents: Latents, timestep: Float, _ segments: [BatchSegment], perturbedBlocks: Set<Int> = [],
        control: ControlNet.Control? = nil, cache: StepCache.Step? = nil, _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) -> Latents {
        let items = segments.reduce(0) { $0 + $1.items }
        precondition(items <= workspace.items && latents.shape.images == items)
        let a = workspace.activations.first(items * workspace.tokens)
        try embed(latents, into: a.x, workspace, pool)
        let condition = try conditioning(timestep: timestep, size: workspace.size, pool)
        try advance(
            a, modulation: condition.modulation, segments, perturbedBlocks: perturbedBlocks, control: control,
            cache: cache, workspace, pool)
        return try prediction(from: a.x, condition.embedding, workspace, pool)
    }

    /// Runs all blocks on the residual stream. If there is a control, some of them also get the result of a copy.
    private func advance(
        _ a: Activations, modulation: [Float], _ segments: [BatchSegment], perturbedBlocks: Set<Int>,
        control: ControlNet.Control?, cache: StepCache.Step?, _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) {
        let tokens = workspace.tokens
        let unperturbed = segments.reduce(0) { $0 + ($1.isPerturbed ? 0 : $1.items) }
        let own = control == nil ? nil : workspace.copyStream.map { a.with(stream: $0.rows(0..<a.x.rows)) }
        let copies = own == nil ? 0 : controlNet?.count ?? 0
        let running = blocks.indices.filter { !(cache?.skips($0) ?? false) }
        let parts = running.count + running.count { 1..<copies + 1 ~= $0 }
        var done = 0
        func report() throws(PixArtError) {
            done += 1
            try CallProgress.report(share: Double(done) / Double(parts))
        }
        for (index, block) in blocks.enumerated() {
            try cache?.enter(index, a.x, copies: own?.x, pool)
            if cache?.skips(index) ?? false { continue }
            if let own, let control, let controlNet, 1...controlNet.count ~= index {
                try controlNet(
                    index - 1, own, into: a.x, control, modulation: modulation, tokens: tokens,
                    contexts: BatchSegment.contexts(segments, tokens: tokens) { $0.copyContexts[index - 1] }, pool)
                if isStreamed { controlNet.discard(index - 1) }
                try report()
            }
            try block(
                a, modulation: modulation, tokens: tokens,
                attending: perturbedBlocks.contains(index) ? unperturbed : a.x.rows / tokens,
                contexts: BatchSegment.contexts(segments, tokens: tokens) { $0.contexts[index] },
                kept: cache?.outputs(of: index), pool)
            if isStreamed { block.discard() }
            try report()
            try cache?.leave(index, a.x, copies: own?.x, pool)
        }
    }

    /// The prediction that the residual stream after the last block amounts to: [B, outChannels, Y, X]. The stream is
    /// normalized in place.
    private func prediction(
        from stream: Matrix, _ embedding: [Float], _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) -> Latents {
        let width = configuration.width
        let shift = zip(finalTable[..<width], embedding).map { $0 + $1 }
        let scale = zip(finalTable[width...], embedding).map { $0 + $1 }
        try stream.layerNorm(shift: shift, scale: scale, epsilon: 1e-6, into: ActivationRows(stream), pool)
        let output = try Matrix(rows: stream.rows, columns: finalProjection.weight.outputs)
        try finalProjection(stream, into: output, pool)
        return workspace.grid.latents(from: output, channels: configuration.outChannels)
    }
}
