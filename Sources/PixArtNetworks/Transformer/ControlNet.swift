import PixArtCompute
import PixArtStorage

/// The ControlNet of PixArt-delta: copies of the transformer's first blocks that see a control image, and add to
/// what the transformer's own blocks read.
///
/// This implementation matches `PixArtControlNetTransformerModel` of diffusers' research projects and
/// `ControlPixArtHalf` of PixArt-alpha, with a scale on what the copies add. The transformer's first block runs alone;
/// copy `k` runs beside block `k + 1`, although its weights began as those of block `k`.
package struct ControlNet: Sendable {
    /// A copy of a block, and the layer between it and the transformer's stream.
    private struct Copy: Sendable {
        let block: TransformerBlock
        let output: Linear

        func discard() {
            block.discard()
            output.discard()
        }
    }

    /// A control image as the first copy takes it: what is added to each row of the transformer's stream, [B*T, D].
    package struct Hint: Sendable {
        fileprivate let rows: Matrix
    }

    /// What a prediction takes of a ControlNet: `scale` is the weight of what the copies add.
    package struct Control: Sendable {
        fileprivate let hint: Hint
        fileprivate let scale: Float

        package init(_ hint: Hint, scale: Float) {
            self.hint = hint
            self.scale = scale
        }
    }

    /// The layer that a control image passes before the first copy.
    private let input: Linear
    private let copies: [Copy]

    /// Takes the weights of `copies` copies, at least one, by the names of diffusers' adapter. Blocks are as those
    /// of the transformer's `configuration`. Fails with `.model`.
    package init(
        copies: Int, of configuration: PixArtTransformer.Configuration, _ reader: WeightReader
    ) throws(PixArtError) {
        precondition(copies > 0)
        reader.begin(.controlNet)
        let width = configuration.width
        func linear(_ name: String) throws(PixArtError) -> Linear {
            try reader.linear("controlnet_blocks.\(name)", outputs: width, inputs: width, minimum: .int8)
        }
        input = try linear("0.before_proj")
        var all: [Copy] = []
        for index in 0..<copies {
            all.append(
                try reader.droppable { () throws(PixArtError) in
                    let name = "controlnet_blocks.\(index).transformer_block"
                    return Copy(
                        block: try TransformerBlock(name, configuration, reader),
                        output: try linear("\(index).after_proj"))
                })
        }
        self.copies = all
        try reader.finish()
    }

    /// Number of copies.
    package var count: Int { copies.count }

    /// Drops the pages of a copy's mapped weights.
    func discard(_ index: Int) { copies[index].discard() }

    /// A prompt's caption [S, D] as the copies see it, one context for each. With `streamed` the pages of mapped weights
    /// are dropped.
    func contexts(
        of caption: ActivationRows, encoding: ActivationRows.Encoding, streamed: Bool, _ pool: ThreadPool
    ) throws(PixArtError) -> [CrossAttentionCache] {
        var contexts: [CrossAttentionCache] = []
        for copy in copies {
            contexts.append(try copy.block.context(of: caption, encoding: encoding, pool))
            if streamed { copy.discard() }
        }
        return contexts
    }

    /// The hint of a control image whose patches are embedded as those of latents, [B*T, D].
    func hint(embedded: Matrix, _ pool: ThreadPool) throws(PixArtError) -> Hint {
        let rows = try Matrix(rows: embedded.rows, columns: embedded.columns)
        try input(embedded, into: rows, pool)
        return Hint(rows: rows)
    }

    /// Runs the copy of number `index`, and adds its output to the transformer's stream, [N*T, D].
    ///
    /// `own` holds the copies' stream, which begins with `stream` and the hint at the first copy. Item `i` of the N
    /// has hint `i % B`, so that all passes of guidance have the same; N is a multiple of B.
    func callAsFunction(
        _ index: Int, _ own: PixArtTransformer.Activations, into stream: Matrix, _ control: Control,
        modulation: [Float], tokens: Int, contexts: [(rows: Range<Int>, context: CrossAttentionCache)],
        _ pool: ThreadPool
    ) throws(PixArtError) {
        let hint = control.hint.rows
        if index == 0 {
            own.x.copy(from: stream)
            for row in stride(from: 0, to: own.x.rows, by: hint.rows) {
                own.x.rows(row..<row + hint.rows).add(hint)
            }
        }
        let copy = copies[index]
        try copy.block(
            own, modulation: modulation, tokens: tokens, attending: own.x.rows / tokens, contexts: contexts, pool)
        let gate = [Float](repeating: control.scale, count: stream.columns)
        try copy.output(
            own.streamInBFloat16(pool), into: ActivationRows(stream), pool, epilogue: .accumulate(gate: gate))
    }
}
