import CKernels
import PixArtStorage

/// A linear layer, `x Wᵀ + b`.
package struct Linear: Sendable {
    package let weight: WeightMatrix
    /// One for each output; zeros if the layer has no bias.
    package let bias: [Float]
    /// What adapters add to the product, beside the weight.
    package private(set) var updates: [LowRankUpdate]

    /// What the GEMM does with its results.
    package enum Epilogue: Sendable {
        /// output = x Wᵀ + b
        case store
        /// output = gelu(x Wᵀ + b), tanh form
        case gelu
        /// output *= x Wᵀ + b
        case multiply
        /// output += x Wᵀ + b
        case add
        /// output += gate * (x Wᵀ + b), with one gate for each output
        case accumulate(gate: [Float])
    }

    package init(weight: WeightMatrix, bias: [Float]? = nil, updates: [LowRankUpdate] = []) {
        self.weight = weight
        self.bias = bias ?? [Float](repeating: 0, count: weight.outputs)
        self.updates = updates
    }

    /// Gives adapters other strengths, by their numbers; those that have none keep theirs.
    package mutating func set(strengths: [Int: Float]) {
        for index in updates.indices {
            if let strength = strengths[updates[index].adapter] { updates[index].strength = strength }
        }
    }

    /// Lets go of the memory of what is mapped.
    package func discard() {
        weight.discard()
        for update in updates { update.discard() }
    }

    /// `input` is [rows, inputs], in the encoding of the GEMM's activations. `output` is [rows, outputs], float32
    /// or bfloat16; only float32 if the epilogue adds or multiplies. They must not overlap. Fails with `.memory`.
    package func callAsFunction(
        _ input: ActivationRows, into output: ActivationRows, _ pool: ThreadPool, epilogue: Epilogue = .store
    ) throws(PixArtError) {
        try Self.multiply(input, [GEMM(self, output, epilogue)], pool)
    }

    /// The same for float32 matrices.
    package func callAsFunction(
        _ input: Matrix, into output: Matrix, _ pool: ThreadPool, epilogue: Epilogue = .store
    ) throws(PixArtError) {
        try self(ActivationRows(input), into: ActivationRows(output), pool, epilogue: epilogue)
    }

    /// One of several GEMMs with the same activations.
    package struct GEMM: Sendable {
        let linear: Linear
        let output: ActivationRows
        let epilogue: Epilogue
        /// What the layer's updates add, once their first products are done.
        fileprivate var term: LowRankTerm?

        package init(_ linear: Linear, _ output: ActivationRows, _ epilogue: Epilogue = .store) {
            self.linear = linear
            self.output = output
            self.epilogue = epilogue
        }

        var panels: Int { (linear.weight.outputs + Panel.width - 1) / Panel.width }
    }

    /// Bytes of activation rows that a task multiplies at a time. They stay in a core's cache.
    private static let blockBytes = 192 << 10
    /// Most panels of a task: as many as stay in a core's cache while all rows are multiplied by them. With few
    /// rows, one panel is read after the other instead.
    static let maximumPanels = (held: 3, passing: 16)
    /// Bytes of panels that a task holds at least, if the kernels prepare rows: that is done once for all of them.
    private static let panelBytes = 256 << 10

    private static func mostPanels(
        rowBlocks: Int, units: Int, _ encoding: ActivationRows.Encoding, _ kernels: Kernels
    ) -> Int {
        guard rowBlocks > 1 else { return maximumPanels.passing }
        guard encoding == .int8, kernels.preparesInt8 else { return maximumPanels.held }
        let room = panelBytes / (4 * units * Panel.width)
        return min(max(room, maximumPanels.held), maximumPanels.passing)
    }

    /// Units of a panel that are multiplied with all rows before the next: few enough for the float32 panels of a
    /// task to stay in the cache.
    fileprivate static func parts(of units: Int, _ encoding: ActivationRows.Encoding) -> [Range<Int>] {
        pieces(of: 0..<units, most: encoding.size == 4 ? 1536 : units)
    }

    /// Pieces that a part is summed in. Shorter float32 sums round less.
    fileprivate static func pieces(of part: Range<Int>, _ encoding: ActivationRows.Encoding) -> [Range<Int>] {
        pieces(of: part, most: encoding.size == 4 ? 576 : part.count)
    }

    private static func pieces(of units: Range<Int>, most: Int) -> [Range<Int>] {
        stride(from: units.lowerBound, to: units.upperBound, by: most).map { $0..<min($0 + most, units.upperBound) }
    }

    /// Rows that are multiplied at a time: whole tiles of the kernels.
    fileprivate static func rowBlock(units: Int, _ encoding: ActivationRows.Encoding, _ kernels: Kernels) -> Int {
        if encoding == .int8, kernels.preparesInt8 { return Int(kernels.table.pointee.int8_rows) }
        let tile = kernels.table.pointee.row_tile == 0 ? 12 : Int(kernels.table.pointee.row_tile)
        return min(96, max(tile, max(24, blockBytes / (4 * units)) / tile * tile))
    }

    /// Multiplies `input` by the weights of several layers.
    ///
    /// A task packs some panels of 32 outputs from the stored weights into its worker's cache and multiplies all
    /// rows by them. If there are few rows, the rows stay in the cache, and each panel is prefetched while the
    /// previous one is multiplied. If there are few panels for the workers, tasks split the rows too; then all panels
    /// are packed before.
    package static func multiply(
        _ input: ActivationRows, _ gemms: [GEMM], _ pool: ThreadPool
    ) throws(PixArtError) {
        for gemm in gemms {
            precondition(input.columns == gemm.linear.weight.inputs && input.rows == gemm.output.rows)
            precondition(gemm.output.columns == gemm.linear.weight.outputs)
        }
        let gemms = try Self.withUpdates(gemms, of: input, pool)
        let units = (input.columns * input.encoding.size + 3) / 4
        let block = rowBlock(units: parts(of: units, input.encoding)[0].count, input.encoding, pool.kernels)
        let blocks = (input.rows + block - 1) / block
        let split = GEMMSplit(
            panels: gemms.map(\.panels), rowBlocks: blocks,
            most: mostPanels(rowBlocks: blocks, units: units, input.encoding, pool.kernels), workers: pool.count)
        let tasks = gemms.indices.flatMap { index in
            stride(from: 0, to: gemms[index].panels, by: split.group).map { (gemm: index, panel: $0) }
        }
        let rows = split.blocks * block
        let packed = split.packsFirst ? try PackedPanels(gemms, for: input.encoding, units: units, pool) : nil
        let outputs = gemms.reduce(0) { $0 + $1.linear.weight.outputs }
        let work = 2 * Double(input.rows) * Double(input.columns) * Double(outputs)
        let kind = input.encoding.kind
        try pool.run(tasks: tasks.count * split.slices, as: kind, work: work) { task, scratch throws(PixArtError) in
            let (gemm, panel) = tasks[task / split.slices]
            let first = task % split.slices * rows
            let range = first..<min(first + rows, input.rows)
            let last = min(panel + split.group, gemms[gemm].panels)
            let batch = blocks == 1 ? 1 : last - panel
            let prepared = blocks == 1 ? try input.prepared(units: units, pool.kernels, scratch) : nil
            // Tasks are taken in order, so this worker's next task is probably this many further.
            let following = task + pool.count
            for first in stride(from: panel, to: last, by: batch) {
                let panels = first..<first + batch
                let next =
                    first + batch < last
                    ? (gemm: gemm, panel: first + batch) : following < tasks.count ? tasks[following] : nil
                let ahead = packed != nil ? nil : next
                try gemms[gemm].run(
                    input.rows(range), prepared, panels: panels, packed: packed?[gemm, panels],
                    ahead: ahead.map { gemms[$0.gemm].weights(from: $0.panel, count: batch) } ?? [],
                    units: units, into: gemms[gemm].output.rows(range), gemms[gemm].term?.rows(range), pool.kernels,
                    scratch)
            }
        }
    }

    /// The same GEMMs with the terms of their layers' updates.
    private static func withUpdates(
        _ gemms: [GEMM], of input: ActivationRows, _ pool: ThreadPool
    ) throws(PixArtError) -> [GEMM] {
        var gemms = gemms
        for index in gemms.indices where !gemms[index].linear.updates.isEmpty {
            gemms[index].term = try LowRankTerm(gemms[index].linear, rows: input.rows)
        }
        let first = gemms.flatMap { $0.term?.gemms ?? [] }
        if !first.isEmpty { try multiply(input, first, pool) }
        return gemms
    }
}

extension Linear.GEMM {
    /// Where the weights of some panels lie.
    fileprivate func weights(from panel: Int, count: Int) -> [UnsafeRawPointer] {
        (panel..<min(panel + count, panels)).map { linear.weight.row($0 * Panel.width) }
    }

    /// The outputs of a panel.
    func outputs(_ panel: Int) -> Range<Int> {
        panel * Panel.width..<min((panel + 1) * Panel.width, linear.weight.outputs)
    }

    /// Packs some panels in the worker's memory.
    private func pack(
        _ panels: Range<Int>, for encoding: ActivationRows.Encoding, units: Int, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) -> [Panel] {
        let elements = try scratch.floats(panels.count * units * Panel.width, slot: 0)
        let scales = try scratch.floats(panels.count * Panel.scales, slot: 1)
        let hasScales = linear.weight.scalesSums(for: encoding)
        var packed: [Panel] = []
        for (place, index) in panels.enumerated() {
            let panel = Panel(elements: elements, scales: scales, hasScales: hasScales, place, units: units)
            try linear.weight.pack(outputs(index), for: encoding, units: units, into: panel, kernels, scratch)
            packed.append(panel)
        }
        return packed
    }

    /// Multiplies rows by some panels. It packs the panels and prepares the rows if they are not given. A block of rows
    /// prefetches the next one, the last one the weights of later panels.
    fileprivate func run(
        _ input: ActivationRows, _ prepared: UnsafePointer<UInt8>?, panels: Range<Int>, packed: ArraySlice<Panel>?,
        ahead: [UnsafeRawPointer], units: Int, into output: ActivationRows, _ term: LowRankTerm?, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let columns = panels.lowerBound * Panel.width..<min(panels.upperBound * Panel.width, linear.weight.outputs)
        let packed =
            if let packed { packed } else {
                try pack(panels, for: input.encoding, units: units, kernels, scratch)[...]
            }
        var updates: [[Panel]] = []
        if let term {
            for (index, panel) in panels.enumerated() {
                updates.append(try term.panel(outputs(panel), index, of: panels.count, kernels, scratch))
            }
        }
        let parts = Linear.parts(of: units, input.encoding)
        let block = Linear.rowBlock(units: parts[0].count, input.encoding, kernels)
        let tileStride = panels.count * Panel.width
        // The sums of all rows, if they are accumulated part by part.
        let sums = try scratch.floats((parts.count > 1 ? input.rows : block) * tileStride, slot: 2)
        try withEpilogue(columns, type: output.encoding.type) { epilogue throws(PixArtError) in
            var epilogue = epilogue
            for (index, part) in parts.enumerated() {
                let pieces = Linear.pieces(of: part, input.encoding)
                for row in stride(from: 0, to: input.rows, by: block) {
                    let rows = row..<min(row + block, input.rows)
                    let tile = parts.count > 1 ? sums + row * tileStride : sums
                    let prepared =
                        if let prepared { prepared } else {
                            try input.rows(rows).prepared(units: units, kernels, scratch)
                        }
                    for piece in pieces {
                        for (place, panel) in packed.enumerated() {
                            let next =
                                if rows.upperBound == input.rows {
                                    place < ahead.count ? ahead[place] : nil
                                } else {
                                    parts.count == 1 ? input.share(place, of: Panel.width, behind: rows) : nil
                                }
                            input.rows(rows).multiply(
                                prepared, by: panel,
                                columns: min(Panel.width, columns.count - place * Panel.width), units: piece,
                                ahead: next.map { $0 + 4 * piece.lowerBound * Panel.width },
                                into: tile + place * Panel.width, stride: tileStride, kernels)
                        }
                    }
                    guard index == parts.count - 1 else { continue }
                    for (place, panels) in updates.enumerated() {
                        term?.add(
                            rows, times: panels, columns: min(Panel.width, columns.count - place * Panel.width),
                            to: tile + place * Panel.width, stride: tileStride, kernels)
                    }
                    let target = output.rows(rows).columns(columns)
                    kernels.table.pointee.apply_epilogue(
                        rows.count, columns.count, tile, tileStride, &epilogue, target.start, target.elementStride)
                }
            }
        }
    }

    /// The epilogue of some columns, as the kernels take it.
    private func withEpilogue(
        _ columns: Range<Int>, type: Int32, _ body: (native_epilogue) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        var native = native_epilogue()
        native.type = type
        var gates: [Float] = []
        switch epilogue {
        case .store: break
        case .gelu: native.gelu = 1
        case .multiply: native.multiply = 1
        case .add: native.accumulate = 1
        case .accumulate(let gate):
            native.accumulate = 1
            gates = gate
        }
        try linear.bias.withUnsafeBufferPointer { bias throws(PixArtError) in
            try gates.withUnsafeBufferPointer { gates throws(PixArtError) in
                native.bias = bias.baseAddress! + columns.lowerBound
                native.gate = gates.isEmpty ? nil : gates.baseAddress! + columns.lowerBound
                try body(native)
            }
        }
    }
}

extension ActivationRows {
    /// As many bytes as `width` rows have, of the rows that follow some others: the share at a place.
    fileprivate func share(_ place: Int, of width: Int, behind rows: Range<Int>) -> UnsafeRawPointer? {
        let first = rows.upperBound + place * width
        return first < min(rows.upperBound + rows.count, self.rows) ? UnsafeRawPointer(start + first * stride) : nil
    }

    /// What the kernels make of these rows before they multiply them by panels, in the worker's memory; nil if they take
    /// the rows as they are.
    fileprivate func prepared(
        units: Int, _ kernels: Kernels, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) -> UnsafePointer<UInt8>? {
        guard encoding == .int8, let prepare = kernels.table.pointee.prepare_int8 else { return nil }
        let bytes = native_prepared_bytes(rows, units)
        let made = UnsafeMutableRawPointer(try scratch.floats(bytes / 4, slot: 5)).assumingMemoryBound(to: UInt8.self)
        prepare(rows, units, start.assumingMemoryBound(to: UInt8.self), stride, made)
        return UnsafePointer(made)
    }

    /// tile[rows][columns] = these rows, or what was made of them, times some units of a panel. Later units are added to
    /// the tile; only float32 panels have several parts.
    fileprivate func multiply(
        _ prepared: UnsafePointer<UInt8>?, by panel: Panel, columns: Int, units: Range<Int>, ahead: UnsafeRawPointer?,
        into tile: UnsafeMutablePointer<Float>, stride tileStride: Int, _ kernels: Kernels
    ) {
        switch encoding {
        case .float32, .emulatedBFloat16:
            kernels.table.pointee.gemm_float32(
                rows, columns, units.count, start.assumingMemoryBound(to: Float.self) + units.lowerBound, elementStride,
                panel.elements + units.lowerBound * Panel.width, ahead, tile, tileStride, units.lowerBound > 0 ? 1 : 0)
        case .bfloat16:
            kernels.table.pointee.gemm_bfloat16!(
                rows, columns, units.count, start.assumingMemoryBound(to: UInt16.self), elementStride, panel.elements,
                ahead, panel.hasScales ? panel.scales : nil, tile, tileStride)
        case .int8:
            kernels.table.pointee.gemm_int8(
                rows, columns, units.count, prepared ?? UnsafePointer(start.assumingMemoryBound(to: UInt8.self)),
                elementStride, panel.elements, ahead, panel.zeroPointSums, scales!, panel.scales, tile, tileStride)
        }
    }
}

extension ActivationRows.Encoding {
    /// The kind of work in a profile.
    fileprivate var kind: Profile.Kind {
        switch self {
        case .float32: .gemmFloat32
        case .bfloat16, .emulatedBFloat16: .gemmBfloat16
        case .int8: .gemmInt8
        }
    }
}

extension WeightReader {
    /// The linear layer `<name>.weight`, [outputs, inputs], with `<name>.bias`, [outputs], if `bias` is true.
    package func linear(
        _ name: String, outputs: Int, inputs: Int, bias: Bool = true, minimum: WeightEncoding = .float32
    ) throws(PixArtError) -> Linear {
        Linear(
            weight: try matrix("\(name).weight", outputs: outputs, inputs: inputs, minimum: minimum),
            bias: bias ? try floats("\(name).bias", [outputs]) : nil,
            updates: try updates("\(name).weight", outputs: outputs, inputs: inputs))
    }

    /// The same of a convolution's weight, [outputs, channels, kernel, kernel], whose places do not overlap.
    package func patches(_ name: String, outputs: Int, channels: Int, kernel: Int) throws(PixArtError) -> Linear {
        Linear(
            weight: try matrix("\(name).weight", outputs: outputs, channels: channels, kernel: kernel),
            bias: try floats("\(name).bias", [outputs]),
            updates: try updates("\(name).weight", outputs: outputs, inputs: channels * kernel * kernel))
    }
}
