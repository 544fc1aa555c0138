import PixArtStorage

extension Tensor {
    /// A stored tensor with bytes unchanged and floating point widened to float32. Fails with `.model` for other
    /// types.
    package convenience init(_ stored: StoredTensor) throws(PixArtError) {
        if stored.type == .uint8 {
            try self.init(.uint8, shape: stored.shape) { $0.copyMemory(from: stored.bytes) }
            return
        }
        guard let encoding = WeightEncoding(stored), !encoding.isQuantized else {
            throw .model(
                "\(stored.location): tensor \"\(stored.name)\" has type \(stored.type.rawValue); expected F32, "
                    + "F16, BF16 or U8")
        }
        guard let count = stored.shape.elementCount else {
            throw .memory("\(stored.location): tensor \"\(stored.name)\": cannot allocate a tensor of \(stored.shape)")
        }
        let weight = try WeightMatrix(stored, encoding: encoding, outputs: 1, inputs: count)
        try self.init(.float32, shape: stored.shape) { bytes in
            if let start = bytes.bindMemory(to: Float.self).baseAddress { weight.widen(outputs: 0..<1, to: start) }
        }
    }
}
