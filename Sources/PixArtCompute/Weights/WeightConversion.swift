import PixArtStorage

/// A stored tensor in another precision, as it is written to a file: as it lies (`auto`), or as [outputs, inputs] where
/// outputs are its first dimension.
extension StoredTensor {
    /// Bytes of elements that are read at a time.
    private static let piece = 16 << 20

    /// Type and shape of the elements in `precision`, and the shape of the float32 scales beside them, if any.
    package func layout(in precision: WeightPrecision) -> (type: ElementType, shape: [Int], scales: [Int]?) {
        let (outputs, inputs) = matrixSize
        switch precision {
        case .auto: return (type, shape, nil)
        case .float32: return (.float32, shape, nil)
        case .bfloat16: return (.bfloat16, shape, nil)
        case .int8: return (.int8, shape, [outputs])
        case .int4:
            let form = WeightMatrix.Form.int4
            return (
                .uint8, form.shape(outputs: outputs, inputs: inputs), form.scaleShape(outputs: outputs, inputs: inputs)
            )
        }
    }

    /// Hands `body` the elements in `precision` and their scales, in order, some outputs at a time, with the bytes that were
    /// read for them; and lets go of what was read: memory is needed for one piece only. `precision` is `auto` where the
    /// type is not a floating-point one. Fails with `.memory`, and with what `body` throws.
    package func convert(
        to precision: WeightPrecision, _ pool: ThreadPool,
        _ body: (
            _ elements: UnsafeRawBufferPointer, _ scales: UnsafeRawBufferPointer, _ read: Int
        ) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        let (outputs, inputs) = precision == .auto ? (bytes.count, 1) : matrixSize
        let row = precision == .auto ? 1 : inputs * type.size
        // Whole blocks of outputs.
        let step = max(Self.piece / max(row, 1) / WeightMatrix.block.outputs, 1) * WeightMatrix.block.outputs
        for first in Swift.stride(from: 0, to: outputs, by: step) {
            let range = first..<min(first + step, outputs)
            let part = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * row..<range.upperBound * row])
            guard precision != .auto else {
                try body(part, UnsafeRawBufferPointer(start: nil, count: 0), part.count)
                file.discard(part)
                continue
            }
            let stored = StoredTensor(name: name, type: type, shape: [range.count, inputs], bytes: part, file: file)
            let weight = try WeightMatrix(stored, form: form, outputs: range.count, inputs: inputs)
            try weight.converted(to: precision, pool).withBytes { elements, scales throws(PixArtError) in
                try body(elements, scales, part.count)
            }
            weight.discard()
        }
    }

    private var matrixSize: (outputs: Int, inputs: Int) {
        shape.isEmpty ? (1, 1) : (shape[0], shape.dropFirst().reduce(1, *))
    }

    private var form: WeightMatrix.Form {
        switch type {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int8, .uint8: preconditionFailure("a quantized tensor is not converted")
        }
    }
}
