import PixArtStorage

/// Eight bits of bitsandbytes: int8 with a scale for each output in `<module>.SCB`, of which a 127th counts.
struct EightBitWeight: QuantizedWeight {
    let name: Name
    let shape: [Int]
    let companions: [Name]
    private let module: String

    var scaleShape: [Int]? { [shape[0]] }

    init(_ module: String, _ source: any WeightSource, _ names: Set<Name>) throws(PixArtError) {
        self.module = module
        name = Name("\(module).weight")
        companions = [Name("\(module).SCB"), Name("\(module).weight_format")]
        guard let shape = source.shape(of: name.text), shape.count == 2, source.shape(of: "\(module).SCB") == [shape[0]]
        else {
            throw .format(
                "\(source.location): tensor \"\(module).SCB\" does not fit \"\(name)\"; expected a scale for each row")
        }
        self.shape = shape
        if let format = try source["\(module).weight_format"], let layout = format.bytes.first, layout != 0 {
            throw .model(
                "\(source.location): tensor \"\(name)\" has the layout \(layout) of a GPU; expected rows (0), as bitsandbytes "
                    + "0.44 and later store them")
        }
    }

    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let stored = try source.companion(name.text, of: name)
        guard stored.type == .int8 else {
            throw .format("\(source.location): tensor \"\(name)\" has type \(stored.type.rawValue); expected I8")
        }
        return stored
    }

    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let scales = try source.companion("\(module).SCB", of: name).floats().map { $0 * Float(1.0 / 127) }
        return try StoredTensor("\(name)_scale", [shape[0]], scales, location: source.location)
    }
}

/// Four bits of bitsandbytes: codes of 16 levels in the order of the elements, the first in the high half of a byte, with
/// a scale for each block of them, which may itself be quantized.
struct FourBitWeight: QuantizedWeight {
    let name: Name
    let shape: [Int]
    let companions: [Name]
    private let block: Int
    private let nested: (block: Int, offset: Float)?
    /// The type if the codes can be used as they lie; nil if they have to be widened.
    private let type: ElementType?

    var scaleShape: [Int]? { type == nil ? nil : [shape[0], shape[1] / ElementType.normalFloat4.block.elements] }

    init(_ name: String, _ form: String, _ source: any WeightSource, _ names: Set<Name>) throws(PixArtError) {
        self.name = Name(name)
        let stateName = "\(name).quant_state.bitsandbytes__\(form)"
        companions =
            ["absmax", "quant_map", "nested_absmax", "nested_quant_map"].map { Name("\(name).\($0)") }
            + [Name(stateName), Name(name)]
        let fault = { (reason: String) in PixArtError.format("\(source.location): tensor \"\(stateName)\": \(reason)") }
        let text = try source.companion(stateName, of: Name(name))
        defer { withExtendedLifetime(text) {} }
        let state = try JSONValue(parsing: text.bytes, source: "\(source.location): tensor \"\(stateName)\"")
        guard let block = state["blocksize"]?.integer, 1...65536 ~= block,
            let sizes = state["shape"]?.array?.compactMap(\.integer), sizes.allSatisfy({ 0...1 << 32 ~= $0 }),
            let count = sizes.map({ Int($0) }).elementCount
        else {
            throw fault("expected a blocksize and a shape")
        }
        shape = sizes.map { Int($0) }
        self.block = Int(block)
        if names.contains(Name("\(name).nested_absmax")) {
            guard let size = state["nested_blocksize"]?.integer, 1...65536 ~= size,
                let offset = state["nested_offset"]?.number
            else { throw fault("expected nested_blocksize and nested_offset") }
            nested = (Int(size), Float(offset))
        } else {
            nested = nil
        }
        let blocks = (count + self.block - 1) / self.block
        let levels = try source.companion("\(name).quant_map", of: Name(name)).floats()
        guard levels.count == 16, source.shape(of: "\(name).absmax")?.elementCount == blocks,
            try source.companion(name, of: Name(name)).bytes.count == (count + 1) / 2
        else {
            throw .format("\(source.location): tensor \"\(name)\" and its scales do not fit the shape \(shape)")
        }
        let size = ElementType.normalFloat4.block.elements
        let known: [ElementType] = [.normalFloat4, .floatingPoint4]
        type =
            shape.count == 2 && shape[1] % size == 0 && (self.block * shape[0]).isMultiple(of: size)
                && self.block.isMultiple(of: size) && shape[1].isMultiple(of: self.block)
            ? known.first { Self.levels[$0] == levels.map(\.bitPattern) } : nil
    }

    /// The levels that a type stands for, as bits.
    private static let levels: [ElementType: [UInt32]] = [
        .normalFloat4: [
            -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
            -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
            0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
        ].map { Float($0).bitPattern },
        .floatingPoint4: [
            0, 0.0052083334885537624, 0.6666666865348816, 1, 0.3333333432674408, 0.5, 0.1666666716337204, 0.25, -0.0,
            -0.0052083334885537624, -0.6666666865348816, -1, -0.3333333432674408, -0.5, -0.1666666716337204, -0.25,
        ].map { Float($0).bitPattern },
    ]

    /// The scale of each block.
    private func blockScales(_ source: any WeightSource) throws(PixArtError) -> [Float] {
        let stored = try source.companion("\(name).absmax", of: name)
        defer { withExtendedLifetime(stored) {} }
        guard let nested else { return try stored.floats() }
        let (levels, scales) = (
            try source.companion("\(name).nested_quant_map", of: name).floats(),
            try source.companion("\(name).nested_absmax", of: name).floats()
        )
        guard stored.type == .uint8, levels.count == 256,
            scales.count == (stored.bytes.count + nested.block - 1) / nested.block
        else {
            throw .format("\(source.location): tensor \"\(name).nested_absmax\" does not fit \"\(name).absmax\"")
        }
        return stored.bytes.enumerated().map { levels[Int($1)] * scales[$0 / nested.block] + nested.offset }
    }

    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let scales = try blockScales(source)
        let size = ElementType.normalFloat4.block.elements
        let all = block == size ? scales : scales.flatMap { [Float](repeating: $0, count: block / size) }
        return try StoredTensor("\(name)_scale", scaleShape ?? [], all, location: source.location)
    }

    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let codes = try source.companion(name.text, of: name)
        defer { withExtendedLifetime(codes) {} }
        if let type { return codes.with(type: type, shape: shape) }
        let levels = try source.companion("\(name).quant_map", of: name).floats()
        let scales = try blockScales(source)
        let count = shape.reduce(1, *)
        let buffer = try AlignedBuffer(count: count)
        for index in 0..<count {
            let pair = codes.bytes[index / 2]
            buffer.start[index] = levels[Int(index % 2 == 0 ? pair >> 4 : pair & 15)] * scales[index / block]
        }
        return StoredTensor(name.text, shape, buffer, location: source.location)
    }
}
