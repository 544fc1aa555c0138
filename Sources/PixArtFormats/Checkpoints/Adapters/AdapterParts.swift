import PixArtStorage

/// The tensors of an adapter that belong to one of its modules.
struct AdapterParts {
    let key: AdapterKey
    /// The network's modules that share the outputs, in order.
    private let targets: [String]
    private var names: [AdapterLeaf: String] = [:]

    init(_ key: AdapterKey, _ targets: [String]) {
        self.key = key
        self.targets = targets
    }

    mutating func add(_ name: String, _ leaf: AdapterLeaf, _ location: String) throws(PixArtError) {
        if let other = names.updateValue(name, forKey: leaf) {
            throw .format("\(location): tensors \"\(other)\" and \"\(name)\" mean the same; expected one of them")
        }
    }

    /// What becomes of each of the network's modules. Fails with `.format` if the tensors do not fit together.
    func updates(
        _ source: any WeightSource, _ scales: AdapterScales
    ) throws(PixArtError) -> [(module: String, update: WeightUpdate)] {
        let whole = try difference(source)
        guard whole.outputs % targets.count == 0 else {
            throw fault(source, "has \(whole.outputs) outputs, expected \(targets.count) equal parts")
        }
        let rows = whole.outputs / targets.count
        var updates: [(module: String, update: WeightUpdate)] = []
        for (index, module) in targets.enumerated() {
            let range = index * rows..<(index + 1) * rows
            updates.append(
                (
                    module,
                    WeightUpdate(
                        targets.count == 1 ? whole.difference : whole.rows(range), outputs: rows, inputs: whole.inputs,
                        rank: whole.rank, scale: try scale(of: module, whole, source, scales),
                        try decomposition(of: whole, range, source, scales))
                ))
        }
        return updates
    }

    // MARK: Differences

    /// A difference of all outputs of the file's module.
    private struct Whole {
        let difference: WeightUpdate.Difference
        let outputs: Int
        let inputs: Int
        let rank: Int?

        /// Of some outputs.
        func rows(_ range: Range<Int>) -> WeightUpdate.Difference {
            switch difference {
            case .lowRank(let up, let down): .lowRank(up: up.rows(range), down: down)
            case .hadamard(let left, let right): .hadamard(left.rows(range), right.rows(range))
            case .kronecker(let left, let right, _): .kronecker(left, right, firstRow: range.lowerBound)
            }
        }
    }

    private func difference(_ source: any WeightSource) throws(PixArtError) -> Whole {
        let kinds = [
            [.down, .up].contains { names[$0] != nil }, names.keys.contains { $0.rawValue.hasPrefix("hada_") },
            names.keys.contains { $0.rawValue.hasPrefix("lokr_") },
        ]
        guard kinds.filter({ $0 }).count == 1 else {
            throw fault(source, kinds.contains(true) ? "is of two kinds" : "lacks the factors of its difference")
        }
        if kinds[0] {
            let (up, down, rank) = try product(.up, .down, source)
            return Whole(
                difference: .lowRank(up: up, down: down), outputs: up.shape[0], inputs: down.shape[1], rank: rank)
        }
        if kinds[1] {
            let first = try product(.hadaW1A, .hadaW1B, source)
            let second = try product(.hadaW2A, .hadaW2B, source)
            guard first.up.shape[0] == second.up.shape[0], first.down.shape[1] == second.down.shape[1] else {
                throw fault(
                    source,
                    "has factors of [\(first.up.shape[0]), \(first.down.shape[1])] and "
                        + "[\(second.up.shape[0]), \(second.down.shape[1])], expected equal shapes")
            }
            return Whole(
                difference: .hadamard(
                    .product(up: first.up, down: first.down), .product(up: second.up, down: second.down)),
                outputs: first.up.shape[0], inputs: first.down.shape[1], rank: first.rank)
        }
        let left = try factor(.lokrW1, .lokrW1A, .lokrW1B, source)
        let right = try factor(.lokrW2, .lokrW2A, .lokrW2B, source)
        guard let outputs = [left.rows, right.rows].elementCount,
            let inputs = [left.columns, right.columns].elementCount
        else { throw fault(source, "has factors whose product cannot be counted") }
        return Whole(
            difference: .kronecker(left.factor, right.factor, firstRow: 0), outputs: outputs, inputs: inputs,
            rank: right.rank ?? left.rank)
    }

    /// [rows, rank] and [rank, columns].
    private func product(
        _ up: AdapterLeaf, _ down: AdapterLeaf, _ source: any WeightSource
    ) throws(PixArtError) -> (up: StoredTensor, down: StoredTensor, rank: Int) {
        let (left, right) = (try matrix(up, source), try matrix(down, source))
        guard left.shape[1] == right.shape[0] else {
            throw fault(
                source,
                "has factors of \(left.shape) and \(right.shape), expected the rank \(right.shape[0]) of the "
                    + "second in the first")
        }
        return (left, right, right.shape[0])
    }

    private func factor(
        _ whole: AdapterLeaf, _ up: AdapterLeaf, _ down: AdapterLeaf, _ source: any WeightSource
    ) throws(PixArtError) -> (factor: WeightUpdate.Factor, rows: Int, columns: Int, rank: Int?) {
        if names[whole] != nil {
            guard names[up] == nil, names[down] == nil else {
                throw fault(source, "has \"\(whole.rawValue)\" whole and in factors, expected one of them")
            }
            let matrix = try matrix(whole, source)
            return (.whole(matrix), matrix.shape[0], matrix.shape[1], nil)
        }
        let (left, right, rank) = try product(up, down, source)
        return (.product(up: left, down: right), left.shape[0], right.shape[1], rank)
    }

    /// A tensor as a matrix: all dimensions but the first are columns.
    private func matrix(_ leaf: AdapterLeaf, _ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let stored = try tensor(leaf, source)
        guard [.float32, .float16, .bfloat16, .float8E4M3, .float8E5M2].contains(stored.type) else {
            throw fault(source, "has \(leaf.rawValue) of type \(stored.type.rawValue), expected floating point")
        }
        let columns = stored.shape.dropFirst().reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        guard stored.shape.count >= 2, let count = stored.shape.elementCount, count > 0 else {
            throw fault(source, "has \(leaf.rawValue) of shape \(stored.shape), expected a matrix")
        }
        return stored.with(shape: [stored.shape[0], columns])
    }

    private func tensor(_ leaf: AdapterLeaf, _ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        guard let name = names[leaf], let stored = try source[name] else {
            throw fault(source, "lacks \(leaf.rawValue)")
        }
        return stored
    }

    // MARK: Scales

    private func scale(
        of module: String, _ whole: Whole, _ source: any WeightSource, _ scales: AdapterScales
    ) throws(PixArtError) -> Float {
        var scale = try ownScale(of: module, whole, source, scales)
        if names[.scalar] != nil { scale *= Double(try number(.scalar, source)) }
        guard scale.isFinite, Float(scale).isFinite else { throw fault(source, "has the scale \(scale)") }
        return Float(scale)
    }

    private func ownScale(
        of module: String, _ whole: Whole, _ source: any WeightSource, _ scales: AdapterScales
    ) throws(PixArtError) -> Double {
        // LyCORIS writes any alpha if both factors of LoKr are whole.
        if whole.rank == nil, !key.naming.isPEFT { return 1 }
        if let settings = scales.settings(key.naming) { return settings.scale(of: module, rank: whole.rank) }
        let rank = Double(whole.rank ?? AdapterSettings.standard)
        if names[.alpha] != nil { return Double(try number(.alpha, source)) / rank }
        return key.naming.isPEFT ? Double(AdapterSettings.standard) / rank : 1
    }

    /// The only element of a tensor.
    private func number(_ leaf: AdapterLeaf, _ source: any WeightSource) throws(PixArtError) -> Float {
        let stored = try tensor(leaf, source)
        guard stored.shape.elementCount == 1 else {
            throw fault(source, "has \(leaf.rawValue) of shape \(stored.shape), expected one number")
        }
        let value = try stored.floats()[0]
        guard value.isFinite else { throw fault(source, "has \(leaf.rawValue) \(value), expected a finite number") }
        return value
    }

    // MARK: Magnitudes

    private func decomposition(
        of whole: Whole, _ rows: Range<Int>, _ source: any WeightSource, _ scales: AdapterScales
    ) throws(PixArtError) -> WeightUpdate.Decomposition? {
        guard names[.magnitude] == nil || names[.doraScale] == nil else {
            throw fault(source, "has magnitudes of two kinds, expected one")
        }
        if names[.magnitude] != nil {
            let values = try magnitudes(.magnitude, source)
            guard values.count == whole.outputs else {
                throw fault(source, "has \(values.count) magnitudes, expected \(whole.outputs)")
            }
            return .init(magnitudes: Array(values[rows]), axis: .outputs, strength: .difference)
        }
        if scales.settings(key.naming)?.isDecomposed == true, names[.doraScale] == nil {
            throw fault(source, "lacks the magnitudes that \"use_dora\" promises")
        }
        guard names[.doraScale] != nil else { return nil }
        let shape = try tensor(.doraScale, source).shape
        let values = try magnitudes(.doraScale, source)
        let strength: WeightUpdate.Decomposition.Strength = key.naming == .lycoris ? .lengths : .change
        if (shape.first == values.count || shape.isEmpty), values.count == whole.outputs {
            return .init(magnitudes: Array(values[rows]), axis: .outputs, strength: strength)
        }
        guard shape.count >= 2, shape[0] == 1, shape[1] == values.count, whole.inputs % values.count == 0 else {
            throw fault(
                source, "has dora_scale of shape \(shape), expected [\(whole.outputs), 1] or [1, \(whole.inputs)]")
        }
        guard targets.count == 1 else {
            throw fault(
                source,
                "has magnitudes of the inputs of a fused projection, which is not supported; expected those of "
                    + "its outputs, or separate projections")
        }
        return .init(magnitudes: values, axis: .inputs, strength: strength)
    }

    private func magnitudes(_ leaf: AdapterLeaf, _ source: any WeightSource) throws(PixArtError) -> [Float] {
        let values = try tensor(leaf, source).floats()
        guard !values.isEmpty, values.allSatisfy(\.isFinite) else {
            throw fault(source, "has \(leaf.rawValue) that is empty or not finite, expected finite numbers")
        }
        return values
    }

    private func fault(_ source: any WeightSource, _ what: String) -> PixArtError {
        .format("\(source.location): the update of \"\(key.module)\" \(what)")
    }
}

extension WeightUpdate.Factor {
    /// Some of its rows.
    func rows(_ range: Range<Int>) -> Self {
        switch self {
        case .whole(let matrix): .whole(matrix.rows(range))
        case .product(let up, let down): .product(up: up.rows(range), down: down)
        }
    }
}
