import PixArtStorage

/// Eight-bit floats with a scale for the whole weight or for each output, as ComfyUI stores them.
struct ScaledFloat8Weight: QuantizedWeight {
    let name: Name
    let shape: [Int]
    let companions: [Name]
    private let scaleName: String

    var scaleShape: [Int]? { [shape[0]] }

    init(_ module: String, scale: String, _ source: any WeightSource, _ names: Set<Name>) throws(PixArtError) {
        name = Name("\(module).weight")
        scaleName = scale
        companions = [Name(scale)]
        guard let shape = source.shape(of: name.text), let first = shape.first, let scales = source.shape(of: scale),
            [1, first].contains(scales.elementCount)
        else {
            throw .model(
                "\(source.location): tensor \"\(scale)\" has shape \(source.shape(of: scale) ?? []); expected one scale for "
                    + "\"\(name)\", or one for each row")
        }
        self.shape = shape
    }

    func stored(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let stored = try source.companion(name.text, of: name)
        switch stored.type {
        case .float8E4M3: return stored.with(type: .scaledFloat8E4M3)
        case .float8E5M2: return stored.with(type: .scaledFloat8E5M2)
        default:
            throw .model(
                "\(source.location): tensor \"\(name)\" has type \(stored.type.rawValue) and a scale; expected F8_E4M3 or "
                    + "F8_E5M2")
        }
    }

    func scales(_ source: any WeightSource) throws(PixArtError) -> StoredTensor {
        let scales = try source.companion(scaleName, of: name).floats()
        guard try stored(source).bytes.count >= shape[0] else {
            throw .format("\(source.location): tensor \"\(name)\" of shape \(shape) has no elements to scale")
        }
        let all = scales.count == shape[0] ? scales : [Float](repeating: scales[0], count: shape[0])
        return try StoredTensor("\(name)_scale", [shape[0]], all, location: source.location)
    }
}
