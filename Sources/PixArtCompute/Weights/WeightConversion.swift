import PixArtStorage

/// A stored tensor in the encoding that is written to a file: unchanged for nil, or else [outputs, inputs], whose
/// outputs are its first dimension.
extension StoredTensor {
    /// Bytes of elements that are read at a time.
    private static let piece = 16 << 20

    /// Type and shape of the elements in `encoding`, and the shape of their float32 scales, if any.
    package func layout(in encoding: WeightEncoding?) -> (type: ElementType, shape: [Int], scales: [Int]?) {
        guard let encoding, encoding != WeightEncoding(self) else { return (type, shape, nil) }
        let (outputs, inputs) = matrixSize
        let isWhole = encoding.layout.isPlain
        return (
            encoding.layout.type, isWhole ? shape : encoding.shape(outputs: outputs, inputs: inputs),
            encoding.isQuantized ? encoding.scaleShape(outputs: outputs, inputs: inputs) : nil
        )
    }

    /// Calls `body` with the elements in `encoding` and their scales, in order, some outputs at a time, and with
    /// the bytes that were read for them. Frees what was read, so memory is needed for one piece only. `encoding`
    /// is nil for a tensor that is not floating point. Fails with `.memory` and with what `body` throws.
    package func convert(
        to encoding: WeightEncoding?, scales: StoredTensor? = nil, _ pool: ThreadPool,
        _ body: (
            _ elements: UnsafeRawBufferPointer, _ scales: UnsafeRawBufferPointer, _ read: Int
        ) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        let (outputs, inputs) = encoding == nil ? (bytes.count, 1) : matrixSize
        let row = encoding == nil ? 1 : bytes.count / max(outputs, 1)
        // Whole blocks of outputs.
        let step = max(Self.piece / max(row, 1) / WeightMatrix.grain, 1) * WeightMatrix.grain
        for first in Swift.stride(from: 0, to: outputs, by: step) {
            let range = first..<min(first + step, outputs)
            let part = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * row..<range.upperBound * row])
            guard let encoding else {
                try body(part, UnsafeRawBufferPointer(start: nil, count: 0), part.count)
                discard(part)
                continue
            }
            let stored = StoredTensor(
                name: name, type: type, shape: [range.count, inputs], bytes: part, location: location, owner: owner)
            guard let own = WeightEncoding(stored), !own.isQuantized else {
                preconditionFailure("a quantized tensor is not converted")
            }
            let weight = try WeightMatrix(
                stored, scales: scales?.rows(range), encoding: own, outputs: range.count, inputs: inputs)
            try weight.converted(to: encoding, pool).withBytes { elements, scales throws(PixArtError) in
                try body(elements, scales, part.count)
            }
            weight.discard()
        }
    }

    private var matrixSize: (outputs: Int, inputs: Int) {
        // A single row, if one element is no block.
        if shape.count < 2 { return type.block.elements == 1 ? (shape.first ?? 1, 1) : (1, shape.first ?? 1) }
        return (shape[0], shape.dropFirst().reduce(1, *))
    }
}
