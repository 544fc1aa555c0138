import PixArtStorage

/// int8 or eight-bit floats of quanto, with a scale for each output. Convolutions of int8 are widened to float32.
struct QuantoWeight: QuantizedWeight {
    let name: Name
    let shape: [Int]
    let companions: [Name]

    private let isConvolution: Bool

    var scaleShape: [Int]? { isConvolution ? nil : [shape[0]] }

    init(_ name: String, _ source: any WeightSource) throws(PixArtError) {
        self.name = Name(name)
        companions = ["_data", "_scale"].map { Name("\(name).\($0)") }
        guard let shape = source.shape(of: "\(name)._data"), let first = shape.first,
            source.shape(of: "\(name)._scale")?.elementCount == first
        else {
            throw .format(
                "\(source.location): tensor \"\(name)._scale\" does not fit \"\(name)._data\"; expected a scale for each row"
            )
        }
        self.shape = shape
        let data = try source["\(name)._data"]
        isConvolution = shape.count > 2 && data?.type == .int8
    }

    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let stored = try source.companion("\(name)._data", of: name)
        if isConvolution {
            defer { withExtendedLifetime(stored) {} }
            let scales = try source.companion("\(name)._scale", of: name).floats()
            let row = max(stored.bytes.count / max(scales.count, 1), 1)
            let values = stored.bytes.enumerated().map { Float(Int8(bitPattern: $1)) * scales[$0 / row] }
            return try StoredTensor(name.text, shape, values, location: source.location)
        }
        let types: [ElementType: ElementType] = [
            .int8: .int8, .float8E4M3: .scaledFloat8E4M3, .float8E5M2: .scaledFloat8E5M2,
        ]
        guard let type = types[stored.type] else {
            throw .model(
                "\(source.location): tensor \"\(name)._data\" has type \(stored.type.rawValue); expected I8, F8_E4M3 or F8_E5M2"
            )
        }
        return stored.with(name: name.text, type: type)
    }

    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let scales = try source.companion("\(name)._scale", of: name).floats()
        return try StoredTensor("\(name)_scale", [shape[0]], scales, location: source.location)
    }
}

/// int4 of quanto: groups of elements of a row have a scale and a shift; the first half of the groups lies in the low
/// halves of the bytes. It is widened to float32.
struct PackedQuantoWeight: QuantizedWeight {
    let name: Name
    let companions: [Name]
    /// The number of groups and their size. How many a row has is not stored.
    private let groups: (count: Int, size: Int)

    var shape: [Int] { [groups.count * groups.size] }
    var scaleShape: [Int]? { nil }

    init(_ name: String, _ source: any WeightSource) throws(PixArtError) {
        self.name = Name(name)
        companions = ["_data._data", "_scale", "_shift"].map { Name("\(name).\($0)") }
        guard let packed = source.shape(of: "\(name)._data._data"), !packed.isEmpty,
            let size = Array(packed.dropFirst()).elementCount, packed.elementCount != nil, packed[0] <= 1 << 40,
            source.shape(of: "\(name)._scale")?.elementCount == 2 * packed[0]
        else {
            throw .format(
                "\(source.location): tensor \"\(name)._data._data\" and its scales do not fit; expected int4 in groups of a row"
            )
        }
        groups = (2 * packed[0], size)
    }

    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let codes = try source.companion("\(name)._data._data", of: name)
        defer { withExtendedLifetime(codes) {} }
        let scales = try source.companion("\(name)._scale", of: name).floats()
        let shifts = try source.companion("\(name)._shift", of: name).floats()
        guard codes.type == .uint8, shifts.count == scales.count else {
            throw .format("\(source.location): tensor \"\(name)._shift\" does not fit \"\(name)._scale\"")
        }
        let (count, size) = groups
        let buffer = try AlignedBuffer(count: count * size)
        for group in 0..<count {
            let isLow = group < count / 2
            let row = (isLow ? group : group - count / 2) * size
            for index in 0..<size {
                let pair = codes.bytes[row + index]
                buffer.start[group * size + index] =
                    Float(isLow ? pair & 15 : pair >> 4) * scales[group] - shifts[group]
            }
        }
        var stored = StoredTensor(name.text, shape, buffer, location: source.location)
        stored.isFlat = true
        return stored
    }

    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor { try stored(source) }
}
