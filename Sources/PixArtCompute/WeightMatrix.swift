import CNative

/// A weight of a linear layer, [outputs, inputs], in the precision it is stored in. Elements stay in the mapped file.
package struct WeightMatrix: Sendable {
    package let outputs: Int
    package let inputs: Int
    private let stored: StoredTensor
    /// The elements, where they could not be used in place because the file has them at an odd address.
    private let realigned: AlignedBuffer?

    /// `stored.type` is a floating-point type and `stored.shape` has `outputs * inputs` elements.
    init(_ stored: StoredTensor, outputs: Int, inputs: Int) throws(PixArtError) {
        self.stored = stored
        self.outputs = outputs
        self.inputs = inputs
        let address = UInt(bitPattern: stored.bytes.baseAddress)
        if address % UInt(stored.type.size) == 0 {
            realigned = nil
        } else {
            let buffer = try AlignedBuffer(count: (stored.bytes.count + 3) / 4)
            UnsafeMutableRawPointer(buffer.start).copyMemory(
                from: stored.bytes.baseAddress!, byteCount: stored.bytes.count)
            realigned = buffer
        }
    }

    private var elements: UnsafeRawPointer { realigned.map { UnsafeRawPointer($0.start) } ?? stored.bytes.baseAddress! }

    /// The elements where they are float32 as they lie, row-major; else nil.
    var float32: UnsafePointer<Float>? {
        stored.type == .float32 ? elements.assumingMemoryBound(to: Float.self) : nil
    }

    /// Writes the rows of some outputs as float32 to `target`, [outputs, inputs] without gaps between rows, exactly.
    package func widen(outputs range: Range<Int>, into target: Matrix) {
        precondition(target.rows == range.count && target.columns == inputs && target.stride == inputs)
        widen(outputs: range, to: target.start)
    }

    /// Writes the rows of some outputs as float32 to `target`, exactly.
    func widen(outputs range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
        let count = range.count * inputs
        let source = elements + range.lowerBound * inputs * stored.type.size
        switch stored.type {
        case .float32: target.update(from: source.assumingMemoryBound(to: Float.self), count: count)
        case .float16: native_widen_float16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .bfloat16: native_widen_bfloat16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .uint8: preconditionFailure("weights are floating-point")
        }
    }
}
