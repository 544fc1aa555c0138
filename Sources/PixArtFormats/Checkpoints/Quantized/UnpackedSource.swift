import PixArtStorage

/// A source in which other programs have stored quantized weights, each in several tensors: bitsandbytes, quanto and
/// ComfyUI. Here each weight is one tensor, with float32 scales in `<name>_scale` if its type needs them.
///
/// Which form a weight has is seen from the tensors beside it. A source without such weights is passed through.
package struct UnpackedSource: WeightSource {
    private let source: any WeightSource
    /// Weights that consist of several tensors, by name; and the weights whose scales a name stands for.
    private let weights: [Name: any QuantizedWeight]
    private let scaled: [Name: Name]
    private let hidden: Set<Name>

    /// Fails with `.model` naming the tensor if a weight is quantized in a form that is not read, and with `.format` if
    /// its tensors do not fit together.
    package init(_ source: any WeightSource) throws(PixArtError) {
        let names = Set(source.names.map { Name($0) })
        var weights: [Name: any QuantizedWeight] = [:]
        var scaled: [Name: Name] = [:]
        var hidden: Set<Name> = []
        try ComfyNotes.check(source, names)
        for name in names.sorted() {
            guard let weight = try Self.weight(marked: name.text, source, names) else { continue }
            weights[weight.name.text] = weight
            hidden.formUnion(weight.companions)
            hidden.remove(weight.name)
            if weight.hasScales { scaled["\(weight.name)_scale"] = weight.name }
        }
        for name in names where Self.isMark(name.text, names) { hidden.insert(name) }
        self.source = source
        self.weights = weights
        self.scaled = scaled
        self.hidden = hidden
    }

    /// The weight that a tensor called `name` is a mark of; nil if it is no mark.
    private static func weight(
        marked name: String, _ source: any WeightSource, _ names: Set<Name>
    ) throws(PixArtError) -> (any QuantizedWeight)? {
        for form in ["nf4", "fp4"] {
            guard let weight = name.dropping(last: ".quant_state.bitsandbytes__\(form)") else { continue }
            return try FourBitWeight(weight, form, source, names)
        }
        if let module = name.dropping(last: ".SCB") { return try EightBitWeight(module, source, names) }
        if let module = name.dropping(last: ".scale_weight") {
            return try ScaledFloat8Weight(module, scale: name, source, names)
        }
        if let module = name.dropping(last: ".weight_scale"), let weight = try? source["\(module).weight"],
            weight.type == .float8E4M3 || weight.type == .float8E5M2
        {
            return try ScaledFloat8Weight(module, scale: name, source, names)
        }
        if let weight = name.dropping(last: "._data._data") { return try PackedQuantoWeight(weight, source) }
        if let weight = name.dropping(last: "._data"), !names.contains(Name("\(name)._data")) {
            return try QuantoWeight(weight, source)
        }
        return nil
    }

    /// Whether a tensor says something of weights that is not needed: scales of inputs, which programs that round
    /// activations in advance use, and notes on formats.
    private static func isMark(_ name: String, _ names: Set<Name>) -> Bool {
        if name == "scaled_fp8" || name.hasSuffix(".scaled_fp8") { return true }
        for ending in [".scale_input", ".input_scale", ".output_scale", ".comfy_quant", ".weight_format"] {
            if let module = name.dropping(last: ending),
                ["weight", "weight._data", "weight._data._data"].contains(where: {
                    names.contains(Name("\(module).\($0)"))
                })
            {
                return true
            }
        }
        return false
    }

    package var location: String { source.location }
    package var paths: [String] { source.paths }
    package var metadata: [Name: String] { source.metadata }

    package var names: [String] {
        guard !weights.isEmpty || !hidden.isEmpty else { return source.names }
        let own = Set(source.names.map { Name($0) }).subtracting(hidden)
        return own.union(weights.keys).union(scaled.keys).map(\.text)
    }

    package func shape(of name: String) -> [Int]? {
        if let weight = weights[name] { return weight.shape }
        if let weight = scaled[name] { return weights[weight.text]?.scaleShape }
        return hidden.contains(Name(name)) ? nil : source.shape(of: name)
    }

    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            if let weight = weights[name] { return try weight.stored(source) }
            if let weight = scaled[name] { return try weights[weight.text]?.scales(source) }
            return hidden.contains(Name(name)) ? nil : try source[name]
        }
    }
}

/// A weight that a file stores in several tensors.
protocol QuantizedWeight: Sendable {
    /// Of the weight.
    var name: Name { get }
    var shape: [Int] { get }
    /// The tensors that it consists of.
    var companions: [Name] { get }
    /// The shape of its float32 scales, if the type of the stored tensor needs them.
    var scaleShape: [Int]? { get }
    /// The weight, without its scales if there are some. Fails with `.memory`, and with `.format` if tensors do not fit.
    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor
    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor
}

extension QuantizedWeight {
    var hasScales: Bool { scaleShape != nil }
}

extension WeightSource {
    /// A tensor that a quantized weight consists of. Fails with `.format` if it is missing.
    func companion(_ name: String, of weight: Name) throws(PixArtError) -> StoredTensor {
        guard let stored = try self[name] else {
            throw .format("\(location): tensor \"\(name)\" is missing; expected it beside \"\(weight)\"")
        }
        return stored
    }
}

extension StoredTensor {
    /// Float32, float16 or bfloat16 elements as float32. Fails with `.format` for other types.
    func floats() throws(PixArtError) -> [Float] {
        switch type {
        case .float32:
            return (0..<bytes.count / 4).map {
                Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
            }
        case .bfloat16:
            return (0..<bytes.count / 2).map {
                Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) << 16)
            }
        case .float16:
            return (0..<bytes.count / 2).map { index in
                let half = UInt32(bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
                let (sign, magnitude) = ((half & 0x8000) << 16, half & 0x7FFF)
                // Exponent and fraction in float32's places, then scaled: right for normal and subnormal numbers.
                let finite = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
                return Float(bitPattern: (magnitude >= 0x7C00 ? magnitude << 13 | 0x7F80_0000 : finite) | sign)
            }
        default:
            throw .format("\(location): tensor \"\(name)\" has type \(type.rawValue); expected F32, F16 or BF16")
        }
    }

    /// A float32 tensor in memory of its own.
    init(_ name: String, _ shape: [Int], _ elements: [Float], location: String) throws(PixArtError) {
        let buffer = try AlignedBuffer(count: elements.count)
        elements.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { buffer.start.update(from: start, count: source.count) }
        }
        self.init(name, shape, buffer, location: location)
    }

    init(_ name: String, _ shape: [Int], _ buffer: AlignedBuffer, location: String) {
        self.init(
            name: name, type: .float32, shape: shape,
            bytes: UnsafeRawBufferPointer(start: buffer.start, count: 4 * buffer.count), location: location,
            owner: buffer)
    }
}

extension String {
    /// What precedes `suffix`; nil if the text does not end in it.
    package func dropping(last suffix: String) -> String? { hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil }
}
