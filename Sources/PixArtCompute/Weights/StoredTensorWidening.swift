import PixArtStorage

extension Tensor {
    /// A stored tensor: bytes as they are, floating point widened to float32. Fails with `.model` for other types.
    package convenience init(_ stored: StoredTensor) throws(PixArtError) {
        let form: WeightMatrix.Form
        switch stored.type {
        case .float32: form = .float32
        case .float16: form = .float16
        case .bfloat16: form = .bfloat16
        case .uint8:
            try self.init(.uint8, shape: stored.shape) { $0.copyMemory(from: stored.bytes) }
            return
        case .int8:
            throw .model(
                "\(stored.file.path): tensor \"\(stored.name)\" has type I8, expected F32, F16, BF16 or U8")
        }
        guard let count = stored.shape.elementCount else {
            throw .memory("\(stored.file.path): tensor \"\(stored.name)\": cannot allocate a tensor of \(stored.shape)")
        }
        let weight = try WeightMatrix(stored, form: form, outputs: 1, inputs: count)
        try self.init(.float32, shape: stored.shape) { bytes in
            if let start = bytes.bindMemory(to: Float.self).baseAddress { weight.widen(outputs: 0..<1, to: start) }
        }
    }
}
