import PixArtStorage

/// A source of weights, and how they are held.
package struct WeightLoading: Sendable {
    package let source: any WeightSource
    /// The encoding that weights are held in, unless their minimum is higher. nil means as stored.
    package let requested: WeightEncoding?
    /// Whether weights that are stored in fewer bits than 16 stay as they are, whatever is requested.
    package let keepsRounded: Bool
    /// Converts weights while they are read. nil leaves them as stored.
    package let pool: ThreadPool?
    /// How to handle tensors that the network does not use and no rule knows.
    package let unexpected: UnexpectedTensors

    package init(
        _ source: any WeightSource, as requested: WeightEncoding? = nil, keepsRounded: Bool = false,
        unexpected: UnexpectedTensors = .error, _ pool: ThreadPool? = nil
    ) {
        self.source = source
        self.requested = requested
        self.keepsRounded = keepsRounded
        self.unexpected = unexpected
        self.pool = pool
    }

    /// The encoding that a weight stored in `encoding` is held in.
    func held(_ encoding: WeightEncoding, minimum: WeightEncoding) -> WeightEncoding {
        keepsRounded && encoding.isRounded ? encoding : encoding.held(as: requested, minimum: minimum)
    }
}

/// Gives a network its weights by name and shape, and records which tensors are unused.
///
/// All failures are `.model` errors that name the source, the tensor, what was found and what was expected.
package final class WeightReader {
    package let loading: WeightLoading
    /// Whether weights are converted to their planned encoding, and adapters merged.
    private var converts = true
    private var source: any WeightSource { converts ? loading.source : adapted?.planned ?? loading.source }
    private var adapted: AdaptedSource? { loading.source as? AdaptedSource }
    /// Whether each tensor that is read is reported as a step of the call.
    package var reportsProgress = false
    /// The reader of another part whose weights the network takes as well, such as those of a ControlNet.
    package private(set) var companion: WeightReader?
    /// Tensors of the readers whose companion this is, which are reported before its own.
    private var earlier = 0
    private let names: Set<Name>
    /// The network's rules for other tensors.
    private var rules = UnusedTensors("this architecture")
    /// Names of the tensors that were requested.
    package private(set) var requestedNames: Set<Name> = []

    /// The ignored tensors by name, once the network is complete. Those of the companion follow.
    package var ignored: [UnusedTensors.Ignored] { ownIgnored + (companion?.ignored ?? []) }
    private var ownIgnored: [UnusedTensors.Ignored] = []

    /// The encoding that each requested tensor is held in, or read in if it is no matrix. A file with these
    /// encodings gives the same numbers, to the bit, when it is opened.
    package private(set) var plannedEncodings: [Name: WeightEncoding] = [:]

    /// The shapes that the network gives to tensors of which only the number of elements is stored.
    package private(set) var shapesOfFlat: [Name: [Int]] = [:]

    /// What the weights taken so far take of memory, converted or not, those of a companion included.
    package var footprint: WeightFootprint { companion.map { ownFootprint + $0.footprint } ?? ownFootprint }
    private var ownFootprint = WeightFootprint()

    /// Weights as stored, or in an encoding unless their minimum is higher.
    package init(_ loading: WeightLoading) {
        self.loading = loading
        names = Set(loading.source.names.map { Name($0) })
    }

    /// Weights as stored.
    package convenience init(_ source: any WeightSource) { self.init(WeightLoading(source)) }

    /// Reads what `body` requests as stored, to check that it exists.
    package func withoutConversion(_ body: () throws(PixArtError) -> Void) throws(PixArtError) {
        converts = false
        defer { converts = true }
        try body()
    }

    /// Reads a layer whose mapped pages can be dropped whenever it is not used.
    package func droppable<Layer>(_ layer: () throws(PixArtError) -> Layer) throws(PixArtError) -> Layer {
        let before = ownFootprint.mappedMatrices
        defer {
            let bytes = ownFootprint.mappedMatrices - before
            ownFootprint.droppable += bytes
            ownFootprint.largestDroppable = max(ownFootprint.largestDroppable, bytes)
        }
        return try layer()
    }

    /// Makes `other` the reader of a further part, which is read after this one: what it takes counts in progress,
    /// footprint and reports as if it were taken here.
    package func add(companion other: WeightReader) {
        companion = other
        other.earlier = earlier + names.count
        other.reportsProgress = reportsProgress
    }

    /// Reports that `count` tensors of these were taken.
    private func report(_ count: Int) throws(PixArtError) {
        guard reportsProgress else { return }
        var total = earlier + names.count
        if let companion { total += companion.names.count }
        try CallProgress.report(step: earlier + count, of: total)
    }

    /// Whether there is a tensor of this name.
    package func contains(_ name: String) -> Bool { names.contains(Name(name)) }

    /// A linear layer's weight, [outputs, inputs]. Scales of quantized elements are in `<name>_scale`.
    package func matrix(
        _ name: String, outputs: Int, inputs: Int, minimum: WeightEncoding = .float32
    ) throws(PixArtError) -> WeightMatrix {
        try held(weight(name, nil, outputs: outputs, inputs: inputs), name, minimum)
    }

    /// A convolution's weight as that of a linear layer: [outputs, channels, kernel, kernel] with `inputs =
    /// channels * kernel²`.
    package func matrix(
        _ name: String, outputs: Int, channels: Int, kernel: Int, minimum: WeightEncoding = .float32
    ) throws(PixArtError) -> WeightMatrix {
        try held(
            weight(
                name, [outputs, channels, kernel, kernel], outputs: outputs, inputs: channels * kernel * kernel),
            name, minimum)
    }

    /// What adapters add to the output of a linear layer, separately from its weight.
    func updates(_ name: String, outputs: Int, inputs: Int) throws(PixArtError) -> [LowRankUpdate] {
        guard let updates = try adapted?.updates(beside: name) else { return [] }
        for update in updates {
            guard update.up.outputs == outputs, update.down.inputs == inputs else {
                throw .model(
                    "\(source.location): an adapter's update of \"\(name)\" is of [\(update.up.outputs), "
                        + "\(update.down.inputs)]; expected [\(outputs), \(inputs)]")
            }
            for factor in [update.up, update.down] { ownFootprint.add(factor, as: factor.encoding) }
        }
        ownFootprint.largestRank = max(ownFootprint.largestRank, updates.reduce(0) { $0 + $1.rank })
        return updates
    }

    /// A table whose rows are looked up one by one and widened then. Always held as stored.
    package func table(_ name: String, rows: Int, columns: Int) throws(PixArtError) -> WeightMatrix {
        let table = try weight(name, [rows, columns], outputs: rows, inputs: columns)
        plannedEncodings[name] = loading.held(table.encoding, minimum: .float32)
        ownFootprint.mappedTables += table.bytes
        return table
    }

    /// A small tensor, such as a bias or a norm, as float32 elements in memory.
    package func floats(_ name: String, _ shape: [Int]) throws(PixArtError) -> [Float] {
        let count = shape.reduce(1, *)
        // Rows are those that blocks and scales go by.
        let inputs = shape.last ?? 1
        let outputs = inputs == 0 ? 0 : count / inputs
        let weight = try weight(name, shape, outputs: outputs, inputs: inputs)
        plannedEncodings[name] = loading.held(weight.encoding, minimum: .float32)
        ownFootprint.vectors += 4 * count
        return [Float](unsafeUninitializedCapacity: count) { elements, written in
            if let start = elements.baseAddress, count > 0 { weight.widen(outputs: 0..<outputs, to: start) }
            written = count
        }
    }

    /// Must be called before any weight is requested. If a later failure is due to weights of another
    /// architecture, the message says so.
    package func begin(_ rules: UnusedTensors) { self.rules = rules }

    /// Ignores the unused tensors. Fails if a tensor belongs to another architecture, or if no rule knows it and
    /// `unexpected_tensors` is not "ignore".
    package func finish() throws(PixArtError) {
        try report(names.count)
        let unused = names.subtracting(requestedNames).sorted().map(\.text)
        ownIgnored = []
        guard !unused.isEmpty else { return }
        if let fault = foreignFault() { throw fault }
        var unknown: [String] = []
        for name in unused {
            if let reason = rules.reason(ignoring: name) {
                ownIgnored.append(.init(name: name, reason: reason))
            } else {
                unknown.append(name)
                ownIgnored.append(.init(name: name, reason: "unknown; the option \"unexpected_tensors\" is \"ignore\""))
            }
        }
        guard loading.unexpected == .error, let first = unknown.first else { return }
        let others = unknown.count > 1 ? " and \(unknown.count - 1) more are" : " is"
        throw .model(
            "\(source.location): tensor \"\(first)\"\(others) not part of \(rules.network); expected none such, or the option "
                + "\"unexpected_tensors\" to be \"ignore\"")
    }

    /// The failure if an unused tensor shows that the weights belong to another architecture.
    private func foreignFault() -> PixArtError? {
        guard let (name, reason) = rules.foreign(among: names.subtracting(requestedNames)) else { return nil }
        return .model("\(source.location): tensor \"\(name)\" says that this is \(reason); expected \(rules.network)")
    }

    /// A matrix in the encoding that it is held in.
    private func held(
        _ matrix: WeightMatrix, _ name: String, _ minimum: WeightEncoding
    ) throws(PixArtError) -> WeightMatrix {
        let target = loading.held(matrix.encoding, minimum: minimum)
        plannedEncodings[name] = target
        ownFootprint.add(matrix, as: target)
        try report(requestedNames.count)
        guard converts, let pool = loading.pool else { return matrix }
        return try matrix.converted(to: target, pool)
    }

    /// A tensor as a matrix. Its scales, if it has some, are in `<name>_scale`. Without a `shape` it has that of a linear
    /// layer's weight in its encoding, and may be of integers; with one it is floating point.
    private func weight(
        _ name: String, _ shape: [Int]?, outputs: Int, inputs: Int
    ) throws(PixArtError) -> WeightMatrix {
        let stored = try found(name)
        guard let encoding = WeightEncoding(stored) ?? WeightEncoding(elements: stored.type),
            shape == nil || !encoding.isQuantized
        else {
            if let shape { try check(stored, name, shape) }
            throw fault(stored, name, shape == nil ? "the type of a weight" : "F32, F16 or BF16")
        }
        try check(stored, name, shape ?? encoding.shape(outputs: outputs, inputs: inputs))
        var scales: StoredTensor?
        if encoding.layout.group != nil {
            let scaleName = "\(name)_scale"
            let found = try found(scaleName)
            try check(found, scaleName, encoding.scaleShape(outputs: outputs, inputs: inputs))
            guard found.type == .float32 else { throw fault(found, scaleName, "F32") }
            scales = found
        }
        return try WeightMatrix(stored, scales: scales, encoding: encoding, outputs: outputs, inputs: inputs)
    }

    private func found(_ name: String) throws(PixArtError) -> StoredTensor {
        guard let stored = try source[name] else {
            throw foreignFault()
                ?? .model("\(source.location): tensor \"\(name)\" is missing; expected one of that name")
        }
        requestedNames.insert(Name(name))
        return stored
    }

    private func check(_ stored: StoredTensor, _ name: String, _ shape: [Int]) throws(PixArtError) {
        if stored.isFlat, stored.shape == [shape.reduce(1, *)] {
            shapesOfFlat[name] = shape
            return
        }
        guard stored.shape == shape else {
            throw foreignFault()
                ?? .model("\(source.location): tensor \"\(name)\" has shape \(stored.shape); expected \(shape)")
        }
    }

    private func fault(_ stored: StoredTensor, _ name: String, _ expected: String) -> PixArtError {
        foreignFault()
            ?? .model("\(source.location): tensor \"\(name)\" has type \(stored.type.rawValue); expected \(expected)")
    }
}
