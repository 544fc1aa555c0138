import PixArtStorage

/// An adapter that is used: its updates, and how strongly they count.
package struct AppliedAdapter: Sendable {
    /// For messages.
    package let path: String
    package let strength: Float
    /// By the names of the weights that they change.
    package let updates: [Name: WeightUpdate]

    package init(path: String, strength: Float, updates: [Name: WeightUpdate]) {
        self.path = path
        self.strength = strength
        self.updates = updates
    }
}

/// A source with adapters. Updates of floating-point weights are merged when a weight is asked for: it is float32 then,
/// in memory of its own. Low-rank updates of weights that are held in fewer bits lose nothing beside them: layers
/// multiply by them separately.
///
/// Matching: merging is PEFT's `merge_and_unload` for one adapter. Several adapters add their changes of the base, which
/// PEFT's forward pass does too, and its merge does not if several of them are DoRA.
package struct AdaptedSource: WeightSource {
    /// An update of a weight by one of the adapters.
    struct Contribution: Sendable {
        let adapter: Int
        let strength: Float
        let update: WeightUpdate
    }

    /// When low-rank updates stay beside the weights.
    package enum Fusing: Sendable {
        /// Never.
        case all
        /// If the weight is stored in fewer bits than 16.
        case floatingPoint
        /// Always.
        case none
    }

    package let base: any WeightSource
    private let merged: [Name: [Contribution]]
    /// The scales of weights that are merged, which need none.
    private let hidden: Set<Name>
    private let beside: [Name: [Contribution]]
    /// The numbers of the adapters of which some update is merged: their strength is fixed.
    package let fusedAdapters: Set<Int>
    /// What weights are merged by. Without it elements of merged weights are undefined, and nothing is computed.
    private let pool: ThreadPool?
    private let blank: BlankElements

    /// `base` with the updates of `adapters`, of which each changes weights of the source. Fails with `.model` naming the
    /// adapter and the weight if shapes do not fit.
    package init(
        _ base: any WeightSource, _ adapters: [AppliedAdapter], fusing: Fusing, _ pool: ThreadPool?
    ) throws(PixArtError) {
        var all: [Name: [Contribution]] = [:]
        for (index, adapter) in adapters.enumerated() {
            for (name, update) in adapter.updates {
                try Self.check(update, of: name, adapter.path, base)
                all[name, default: []].append(
                    Contribution(adapter: index, strength: adapter.strength, update: update))
            }
        }
        var merged: [Name: [Contribution]] = [:]
        var beside: [Name: [Contribution]] = [:]
        var fused: Set<Int> = []
        for (name, contributions) in all {
            let separate = try Self.separate(contributions, name, base, fusing)
            beside[name] = contributions.filter { separate.contains($0.adapter) }
            let others = contributions.filter { !separate.contains($0.adapter) }
            fused.formUnion(others.map(\.adapter))
            let effective = others.filter { $0.strength != 0 }
            if !effective.isEmpty { merged[name] = effective }
        }
        self.base = base
        self.merged = merged
        hidden = Set(merged.keys.map { Name("\($0)_scale") })
        self.beside = beside
        self.pool = pool
        fusedAdapters = fused
        blank = BlankElements()
    }

    private init(planned source: AdaptedSource) {
        base = source.base
        merged = source.merged
        hidden = source.hidden
        beside = source.beside
        fusedAdapters = source.fusedAdapters
        pool = nil
        blank = source.blank
    }

    /// The same without the elements of merged weights, for checking what is there.
    package var planned: AdaptedSource { AdaptedSource(planned: self) }

    /// The adapters whose updates of a weight stay beside it.
    private static func separate(
        _ contributions: [Contribution], _ name: Name, _ base: any WeightSource, _ fusing: Fusing
    ) throws(PixArtError) -> Set<Int> {
        let lowRank = contributions.filter { $0.update.lowRank != nil }
        switch fusing {
        case .all: return []
        case .none: return Set(lowRank.map(\.adapter))
        case .floatingPoint:
            guard let stored = try base[name.text], let encoding = WeightEncoding(stored), encoding.isRounded,
                lowRank.count == contributions.count
            else { return [] }
            // More ranks than that are no less work than the weight.
            let (outputs, inputs) = (lowRank[0].update.outputs, lowRank[0].update.inputs)
            let ranks = lowRank.reduce(0) { $0 + ($1.update.rank ?? 0) }
            return ranks * (outputs + inputs) < outputs * inputs ? Set(lowRank.map(\.adapter)) : []
        }
    }

    private static func check(
        _ update: WeightUpdate, of name: Name, _ path: String, _ base: any WeightSource
    ) throws(PixArtError) {
        guard let stored = try base[name.text], let encoding = WeightEncoding(stored) else {
            throw .model("\(base.location): tensor \"\(name)\" is no weight that an adapter can change: \(path)")
        }
        let (outputs, inputs) = (update.outputs, update.inputs)
        let rows = stored.shape.first ?? 0
        let isFitting =
            if stored.isFlat {
                stored.shape.count == 1 && stored.shape[0] == [outputs, inputs].elementCount
            } else if encoding.layout.block.outputs > 1 {
                stored.shape == encoding.shape(outputs: outputs, inputs: inputs)
            } else {
                rows == outputs && stored.shape.dropFirst().reduce(1, *) == inputs
            }
        guard isFitting, stored.bytes.count == encoding.elementBytes(outputs: outputs, inputs: inputs) else {
            throw .model(
                "\(path): the update of \"\(name)\" is of [\(outputs), \(inputs)]; the shape of the weight in "
                    + "\(base.location) is \(stored.shape)")
        }
    }

    // MARK: As a source

    package var location: String { base.location }
    package var paths: [String] { base.paths }
    package var metadata: [Name: String] { base.metadata }

    package var names: [String] {
        base.names.filter { !hidden.contains(Name($0)) }
    }

    package func shape(of name: String) -> [Int]? {
        merged[name] == nil ? base.shape(of: name) : (try? planned[name])?.shape
    }

    /// Whether elements of the tensor called `name` are made when they are asked for.
    package func isMerged(_ name: String) -> Bool { merged[name] != nil }

    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard !hidden.contains(Name(name)) else { return nil }
            guard let contributions = merged[name], let stored = try base[name] else { return try base[name] }
            let (outputs, inputs) = (contributions[0].update.outputs, contributions[0].update.inputs)
            guard let encoding = WeightEncoding(stored) else { return stored }
            let elements =
                if let pool {
                    try merge(contributions, of: name, stored, encoding, pool)
                } else {
                    try blank.elements(outputs * inputs)
                }
            var result = StoredTensor(
                name: name, type: .float32,
                shape: encoding.layout.block.outputs > 1 ? [outputs, inputs] : stored.shape,
                bytes: UnsafeRawBufferPointer(start: elements.start, count: 4 * outputs * inputs),
                location: stored.location, owner: elements)
            result.isFlat = stored.isFlat
            return result
        }
    }

    private func merge(
        _ contributions: [Contribution], of name: String, _ stored: StoredTensor, _ encoding: WeightEncoding,
        _ pool: ThreadPool
    ) throws(PixArtError) -> AlignedBuffer {
        let (outputs, inputs) = (contributions[0].update.outputs, contributions[0].update.inputs)
        let scales = encoding.layout.group == nil ? nil : try base["\(name)_scale"]
        guard (scales?.bytes.count ?? 0) == encoding.scaleBytes(outputs: outputs, inputs: inputs) else {
            throw .model("\(location): tensor \"\(name)_scale\" is missing, or has another number of scales")
        }
        let weight = try WeightMatrix(stored, scales: scales, encoding: encoding, outputs: outputs, inputs: inputs)
        let merge = UpdateMerge(base: weight, pool)
        let target = try merge.widened()
        for contribution in contributions {
            try merge.add(contribution.update, strength: contribution.strength, to: target)
        }
        weight.discard()
        return target.buffer
    }

    /// The updates that stay beside the weight called `name`. Fails with `.memory`.
    func updates(beside name: String) throws(PixArtError) -> [LowRankUpdate] {
        var updates: [LowRankUpdate] = []
        for contribution in beside[name] ?? [] {
            guard let (up, down) = contribution.update.lowRank else { continue }
            updates.append(
                try LowRankUpdate(
                    adapter: contribution.adapter, up: up, down: down, scale: contribution.update.scale,
                    strength: contribution.strength))
        }
        return updates
    }
}

/// Memory that stands for weights which nobody reads, and is never touched: the same for all of them.
private final class BlankElements: Sendable {
    private let buffer = Locked<AlignedBuffer?>(nil)

    func elements(_ count: Int) throws(PixArtError) -> AlignedBuffer {
        if let own = buffer.withLock({ $0 }), own.count >= count { return own }
        let larger = try AlignedBuffer(count: count)
        buffer.withLock { $0 = larger }
        return larger
    }
}
