import PixArtStorage

/// A source of weights, and how they are held.
package struct WeightLoading: Sendable {
    package let source: any WeightSource
    /// The encoding that weights are held in, unless their minimum is higher. nil means as stored.
    package let requested: WeightEncoding?
    /// Converts weights while they are read. nil leaves them as stored.
    package let pool: ThreadPool?
    /// How to handle tensors that the network does not use and no rule knows.
    package let unexpected: UnexpectedTensors

    package init(
        _ source: any WeightSource, as requested: WeightEncoding? = nil, unexpected: UnexpectedTensors = .error,
        _ pool: ThreadPool? = nil
    ) {
        self.source = source
        self.requested = requested
        self.unexpected = unexpected
        self.pool = pool
    }
}

/// Gives a network its weights by name and shape, and records which tensors are unused.
///
/// All failures are `.model` errors that name the source, the tensor, what was found and what was expected.
package final class WeightReader {
    package let loading: WeightLoading
    private var source: any WeightSource { loading.source }
    /// Whether weights are converted to their planned encoding.
    private var converts = true
    /// Whether each tensor that is read is reported as a step of the call.
    package var reportsProgress = false
    private let names: Set<Name>
    /// The network's rules for other tensors.
    private var rules = UnusedTensors("this architecture")
    /// Names of the tensors that were requested.
    package private(set) var requestedNames: Set<Name> = []

    /// The ignored tensors by name, once the network is complete.
    package private(set) var ignored: [UnusedTensors.Ignored] = []

    /// The encoding that each requested tensor is held in, or read in if it is no matrix. A file with these
    /// encodings gives the same numbers, to the bit, when it is opened.
    package private(set) var plannedEncodings: [Name: WeightEncoding] = [:]

    /// Memory of the weights requested so far, converted or not.
    package private(set) var footprint = WeightFootprint()

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

    /// Whether there is a tensor of this name.
    package func contains(_ name: String) -> Bool { names.contains(Name(name)) }

    /// A linear layer's weight, [outputs, inputs]. Scales of quantized elements are in `<name>_scale`.
    package func matrix(
        _ name: String, outputs: Int, inputs: Int, minimum: WeightEncoding = .float32
    ) throws(PixArtError) -> WeightMatrix {
        let stored = try found(name)
        guard let encoding = WeightEncoding(stored) ?? WeightEncoding(elements: stored.type) else {
            throw fault(stored, name, "the type of a weight")
        }
        try check(stored, name, encoding.shape(outputs: outputs, inputs: inputs))
        var scales: StoredTensor?
        let scaleShape = encoding.scaleShape(outputs: outputs, inputs: inputs)
        if !scaleShape.isEmpty {
            let scaleName = "\(name)_scale"
            let found = try found(scaleName)
            try check(found, scaleName, scaleShape)
            guard found.type == .float32 else { throw fault(found, scaleName, "F32") }
            scales = found
        }
        return try held(
            WeightMatrix(stored, scales: scales, encoding: encoding, outputs: outputs, inputs: inputs), name, minimum)
    }

    /// A convolution's weight as that of a linear layer: [outputs, channels, kernel, kernel] with `inputs =
    /// channels * kernel²`.
    package func matrix(
        _ name: String, outputs: Int, channels: Int, kernel: Int, minimum: WeightEncoding = .float32
    ) throws(PixArtError) -> WeightMatrix {
        let (stored, encoding) = try floatingPoint(name, [outputs, channels, kernel, kernel])
        return try held(
            WeightMatrix(stored, encoding: encoding, outputs: outputs, inputs: channels * kernel * kernel), name,
            minimum)
    }

    /// A table whose rows are looked up one by one and widened then. Always held as stored.
    package func table(_ name: String, rows: Int, columns: Int) throws(PixArtError) -> WeightMatrix {
        let (stored, encoding) = try floatingPoint(name, [rows, columns])
        plannedEncodings[name] = encoding.held(as: loading.requested, minimum: .float32)
        footprint.mappedTables += stored.bytes.count
        return try WeightMatrix(stored, encoding: encoding, outputs: rows, inputs: columns)
    }

    /// A small tensor, such as a bias or a norm, as float32 elements in memory.
    package func floats(_ name: String, _ shape: [Int]) throws(PixArtError) -> [Float] {
        let count = shape.reduce(1, *)
        let (stored, encoding) = try floatingPoint(name, shape)
        plannedEncodings[name] = encoding.held(as: loading.requested, minimum: .float32)
        footprint.vectors += 4 * count
        let weight = try WeightMatrix(stored, encoding: encoding, outputs: 1, inputs: count)
        return [Float](unsafeUninitializedCapacity: count) { elements, written in
            if let start = elements.baseAddress, count > 0 { weight.widen(outputs: 0..<1, to: start) }
            written = count
        }
    }

    /// Must be called before any weight is requested. If a later failure is due to weights of another
    /// architecture, the message says so.
    package func begin(_ rules: UnusedTensors) { self.rules = rules }

    /// Ignores the unused tensors. Fails if a tensor belongs to another architecture, or if no rule knows it and
    /// `unexpected_tensors` is not "ignore".
    package func finish() throws(PixArtError) {
        if reportsProgress { try CallProgress.report(step: names.count, of: names.count) }
        let unused = names.subtracting(requestedNames).sorted().map(\.text)
        ignored = []
        guard !unused.isEmpty else { return }
        if let fault = foreignFault() { throw fault }
        var unknown: [String] = []
        for name in unused {
            if let reason = rules.reason(ignoring: name) {
                ignored.append(.init(name: name, reason: reason))
            } else {
                unknown.append(name)
                ignored.append(.init(name: name, reason: "unknown; the option \"unexpected_tensors\" is \"ignore\""))
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
        let target = matrix.encoding.held(as: loading.requested, minimum: minimum)
        plannedEncodings[name] = target
        footprint.add(matrix, as: target)
        if reportsProgress { try CallProgress.report(step: requestedNames.count, of: names.count) }
        guard converts, let pool = loading.pool else { return matrix }
        return try matrix.converted(to: target, pool)
    }

    private func floatingPoint(
        _ name: String, _ shape: [Int]
    ) throws(PixArtError) -> (stored: StoredTensor, encoding: WeightEncoding) {
        let stored = try found(name)
        try check(stored, name, shape)
        guard let encoding = WeightEncoding(elements: stored.type), !encoding.isQuantized else {
            throw fault(stored, name, "F32, F16 or BF16")
        }
        return (stored, encoding)
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
