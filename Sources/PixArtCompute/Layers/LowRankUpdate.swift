import PixArtStorage

/// What an adapter adds to a linear layer, beside its weight: scale * strength * up (down x).
package struct LowRankUpdate: Sendable {
    /// The adapter's number in its source.
    package let adapter: Int
    /// [outputs, rank] and [rank, inputs], as they are stored.
    let up, down: WeightMatrix
    private let scale: Float
    /// May change from run to run.
    package var strength: Float

    init(
        adapter: Int, up: StoredTensor, down: StoredTensor, scale: Float, strength: Float
    ) throws(PixArtError) {
        self.adapter = adapter
        self.up = try Self.matrix(up)
        self.down = try Self.matrix(down)
        self.scale = scale
        self.strength = strength
    }

    private static func matrix(_ stored: StoredTensor) throws(PixArtError) -> WeightMatrix {
        guard let encoding = WeightEncoding(stored) else { preconditionFailure("factors are floating point") }
        return try WeightMatrix(stored, encoding: encoding, outputs: stored.shape[0], inputs: stored.shape[1])
    }

    func discard() {
        up.discard()
        down.discard()
    }

    var rank: Int { down.outputs }
    var factor: Float { scale * strength }
}

/// The updates of a linear layer in a call: what they make of the rows, to be multiplied by their `up`.
struct LowRankTerm: Sendable {
    /// With the place of each in `hidden`.
    private let updates: [(update: LowRankUpdate, columns: Range<Int>)]
    /// factor * (down x) of all updates side by side, [rows, ranks].
    private let hidden: ActivationRows

    /// Undefined until `gemms` are multiplied; nil if no update of the layer counts.
    init?(_ linear: Linear, rows: Int) throws(PixArtError) {
        var updates: [(update: LowRankUpdate, columns: Range<Int>)] = []
        var ranks = 0
        for update in linear.updates where update.factor != 0 {
            updates.append((update, ranks..<ranks + update.rank))
            ranks += update.rank
        }
        guard !updates.isEmpty else { return nil }
        self.updates = updates
        hidden = try ActivationRows(rows: rows, columns: ranks, encoding: .float32)
        hidden.clear()
    }

    /// What makes the rows of `hidden` of those of the layer's input.
    var gemms: [Linear.GEMM] {
        updates.map { update, columns in
            let gates = [Float](repeating: update.factor, count: update.rank)
            return Linear.GEMM(
                Linear(weight: update.down), hidden.columns(columns), .accumulate(gate: gates))
        }
    }

    /// The same for some rows.
    func rows(_ range: Range<Int>) -> LowRankTerm { LowRankTerm(updates: updates, hidden: hidden.rows(range)) }

    private init(updates: [(update: LowRankUpdate, columns: Range<Int>)], hidden: ActivationRows) {
        self.updates = updates
        self.hidden = hidden
    }

    /// The updates of some outputs, packed for a GEMM.
    func panel(
        _ outputs: Range<Int>, _ index: Int, of count: Int, _ kernels: Kernels, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) -> [Panel] {
        let room = hidden.columns * Panel.width
        var start = try scratch.floats(count * room, slot: 3) + index * room
        let scales = try scratch.floats(Panel.scales, slot: 4)
        var panels: [Panel] = []
        for (update, columns) in updates {
            let panel = Panel(elements: start, scales: scales, hasScales: false, units: columns.count)
            try update.up.pack(outputs, for: .float32, units: columns.count, into: panel, kernels, scratch)
            panels.append(panel)
            start += columns.count * Panel.width
        }
        return panels
    }

    /// tile[rows][columns] += hidden times the panels.
    func add(
        _ rows: Range<Int>, times panels: [Panel], columns: Int, to tile: UnsafeMutablePointer<Float>, stride: Int,
        _ kernels: Kernels
    ) {
        for ((_, place), panel) in zip(updates, panels) {
            let left = hidden.rows(rows).columns(place)
            kernels.table.pointee.gemm_float32(
                rows.count, columns, place.count, left.start.assumingMemoryBound(to: Float.self), left.elementStride,
                panel.elements, nil, tile, stride, 1)
        }
    }
}

extension ActivationRows {
    /// Makes all rows 0.
    fileprivate func clear() {
        for row in 0..<rows {
            (start + row * stride).initializeMemory(as: UInt8.self, repeating: 0, count: columns * encoding.size)
        }
    }
}
