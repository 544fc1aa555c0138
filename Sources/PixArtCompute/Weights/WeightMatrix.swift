import CKernels
import PixArtStorage

/// The weight of a linear layer, [outputs, inputs], in the mapped file or in memory.
package struct WeightMatrix: Sendable {
    package let outputs: Int
    package let inputs: Int
    package let encoding: WeightEncoding
    /// Row-major, of `encoding.shape`. Valid as long as `owners` live.
    private nonisolated(unsafe) let elements: UnsafeRawPointer
    /// Of `encoding.scaleShape`.
    private nonisolated(unsafe) let scales: UnsafePointer<Float>?
    private let owners: [AnyObject & Sendable]
    /// The mapping, if the weight is used in place.
    private let stored: StoredTensor?

    /// Elements and scales as stored, with as many bytes as encoding and size require. Copies bytes at an odd
    /// address and uses others in place. Fails with `.memory`.
    init(
        _ stored: StoredTensor, scales: StoredTensor? = nil, encoding: WeightEncoding, outputs: Int, inputs: Int
    ) throws(PixArtError) {
        precondition(stored.bytes.count == encoding.elementBytes(outputs: outputs, inputs: inputs))
        precondition((scales?.bytes.count ?? 0) == encoding.scaleBytes(outputs: outputs, inputs: inputs))
        self.outputs = outputs
        self.inputs = inputs
        self.encoding = encoding
        self.stored = stored
        let (elements, owner) = try Self.aligned(stored, to: encoding.alignment)
        self.elements = elements
        if let scales {
            let (pointer, scaleOwner) = try Self.aligned(scales, to: 4)
            self.scales = pointer.assumingMemoryBound(to: Float.self)
            owners = [owner, scaleOwner]
        } else {
            self.scales = nil
            owners = [owner]
        }
    }

    init(outputs: Int, inputs: Int, encoding: WeightEncoding, elements: AlignedBuffer, scales: AlignedBuffer?) {
        self.outputs = outputs
        self.inputs = inputs
        self.encoding = encoding
        self.elements = UnsafeRawPointer(elements.start)
        self.scales = scales.map { UnsafePointer($0.start) }
        owners = [elements] + (scales.map { [$0] } ?? [])
        stored = nil
    }

    private static func aligned(
        _ stored: StoredTensor, to alignment: Int
    ) throws(PixArtError) -> (UnsafeRawPointer, AnyObject & Sendable) {
        if let start = stored.bytes.baseAddress, UInt(bitPattern: start) % UInt(alignment) == 0 {
            return (start, stored.owner)
        }
        let buffer = try AlignedBuffer(count: (stored.bytes.count + 3) / 4)
        let copy = UnsafeMutableRawPointer(buffer.start)
        if let start = stored.bytes.baseAddress { copy.copyMemory(from: start, byteCount: stored.bytes.count) }
        return (UnsafeRawPointer(copy), buffer)
    }

    /// Bytes of elements and scales, and whether they lie in the mapped file.
    package var bytes: Int { encoding.bytes(outputs: outputs, inputs: inputs) }
    package var isMapped: Bool { stored?.isMapped ?? false }

    /// Elements and scales, for writing to a file.
    package func withBytes<Result, Failure: Error>(
        _ body: (_ elements: UnsafeRawBufferPointer, _ scales: UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owners) {} }
        return try body(
            UnsafeRawBufferPointer(start: elements, count: encoding.elementBytes(outputs: outputs, inputs: inputs)),
            UnsafeRawBufferPointer(start: scales, count: encoding.scaleBytes(outputs: outputs, inputs: inputs)))
    }

    /// Frees the mapped pages. They are read again when they are touched.
    package func discard() { stored?.discard(stored!.bytes) }

    // MARK: Rows

    /// The elements of an output in their encoding, from a column on. In int4 the column starts a run.
    func row(_ output: Int, from column: Int = 0) -> UnsafeRawPointer {
        elements + encoding.offset(output, column, inputs: inputs)
    }

    /// The scales of an output's elements; a group shares them.
    func scales(_ output: Int) -> UnsafePointer<Float> {
        guard let group = encoding.layout.group else { preconditionFailure("\(encoding) has no scales") }
        let columns = group.inputs.map { (inputs + $0 - 1) / $0 } ?? 1
        return scales! + output / group.outputs * columns
    }

    /// The same from a column on, which starts a group.
    func scales(_ output: Int, from column: Int) -> UnsafePointer<Float> {
        scales(output) + (encoding.layout.group?.inputs.map { column / $0 } ?? 0)
    }

    /// Writes the rows of some outputs as float32 to `target`, [outputs, inputs] without gaps between rows. Exact.
    package func widen(outputs range: Range<Int>, into target: Matrix) {
        precondition(target.rows == range.count && target.columns == inputs && target.stride == inputs)
        widen(outputs: range, to: target.start)
    }

    /// The same to an address.
    func widen(outputs range: Range<Int>, to target: UnsafeMutablePointer<Float>, _ kernels: Kernels = .best) {
        for output in range {
            widen(output, 0..<inputs, to: target + (output - range.lowerBound) * inputs, kernels)
        }
    }

    /// Some columns of one output as float32, starting at a group.
    func widen(
        _ output: Int, _ columns: Range<Int>, to target: UnsafeMutablePointer<Float>, _ kernels: Kernels
    ) {
        let count = columns.count
        let source = row(output, from: columns.lowerBound)
        switch encoding {
        case .float32: target.update(from: source.assumingMemoryBound(to: Float.self), count: count)
        case .float16:
            kernels.table.pointee.widen_float16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .bfloat16:
            kernels.table.pointee.widen_bfloat16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .int8:
            kernels.table.pointee.widen_int8(
                count, source.assumingMemoryBound(to: Int8.self), scales(output)[0], target)
        case .int4:
            kernels.table.pointee.widen_int4(
                count, source.assumingMemoryBound(to: UInt8.self),
                scales(output, from: columns.lowerBound), target)
        default:
            guard let format = encoding.blockFormat else { preconditionFailure("\(encoding) has no loop") }
            let scales = encoding.layout.group == nil ? nil : scales(output, from: columns.lowerBound)
            native_widen(
                kernels.table, format, count, source.assumingMemoryBound(to: UInt8.self), scales, target)
        }
    }

    /// One output as int8 numbers; returns their scale. `wide` has room for the output in float32.
    func quantize(
        _ output: Int, to target: UnsafeMutablePointer<Int8>, through wide: UnsafeMutablePointer<Float>,
        _ kernels: Kernels
    ) -> Float {
        if let quantize = encoding.blockFormat.flatMap({ native_quantizer(kernels.table, $0) }) {
            return quantize(inputs, row(output).assumingMemoryBound(to: UInt8.self), target)
        }
        widen(output, 0..<inputs, to: wide, kernels)
        return kernels.table.pointee.quantize_int8(inputs, wide, target)
    }
}
