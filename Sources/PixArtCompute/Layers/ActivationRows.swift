import CKernels
import PixArtStorage

/// Rows of activations in the encoding that a GEMM reads: float32, bfloat16 or int8.
///
/// A view of a buffer, which it keeps alive, like `Matrix`.
package struct ActivationRows: Sendable {
    package enum Encoding: Sendable {
        case float32
        case bfloat16
        /// One byte per element with zero point 128, and a scale for each row.
        case int8
        /// bfloat16 values held as float32, for instruction sets without a bfloat16 GEMM.
        case emulatedBFloat16

        /// Bytes of an element.
        package var size: Int {
            switch self {
            case .float32, .emulatedBFloat16: 4
            case .bfloat16: 2
            case .int8: 1
            }
        }

        /// The constant that the kernels use.
        var type: Int32 {
            switch self {
            case .float32: Int32(NATIVE_FLOAT32)
            case .bfloat16: Int32(NATIVE_BFLOAT16)
            case .int8: Int32(NATIVE_INT8)
            case .emulatedBFloat16: Int32(NATIVE_ROUND_BFLOAT16)
            }
        }
    }

    package let encoding: Encoding
    package let rows: Int
    package let columns: Int
    private let buffer: AlignedBuffer
    /// In bytes, like the stride.
    private let offset: Int
    let stride: Int
    private let scaleBuffer: AlignedBuffer?
    private let firstScale: Int

    private init(
        encoding: Encoding, rows: Int, columns: Int, buffer: AlignedBuffer, offset: Int, stride: Int,
        scales: AlignedBuffer?,
        firstScale: Int
    ) {
        self.encoding = encoding
        self.rows = rows
        self.columns = columns
        self.buffer = buffer
        self.offset = offset
        self.stride = stride
        scaleBuffer = scales
        self.firstScale = firstScale
    }

    /// Bytes from row to row: whole vectors, but no multiple of a page, because then many rows would share cache
    /// sets.
    package static func stride(columns: Int, encoding: Encoding) -> Int {
        let bytes = (columns * encoding.size + 63) / 64 * 64
        return bytes % 4096 == 0 ? bytes + 64 : bytes
    }

    /// Bytes of `rows` x `columns`.
    package static func bytes(rows: Int, columns: Int, encoding: Encoding) -> Int {
        rows * stride(columns: columns, encoding: encoding) + (encoding == .int8 ? 4 * rows : 0)
    }

    /// New rows with undefined contents and zeros beyond the last column. Fails with `.memory`.
    package init(rows: Int, columns: Int, encoding: Encoding) throws(PixArtError) {
        let stride = Self.stride(columns: columns, encoding: encoding)
        let (bytes, overflow) = rows.multipliedReportingOverflow(by: stride)
        guard !overflow else { throw .memory("cannot allocate \(rows) x \(columns) elements") }
        let buffer = try AlignedBuffer(count: bytes / 4)
        for row in 0..<rows where columns * encoding.size % 4 != 0 {
            buffer.start[(row * stride + columns * encoding.size) / 4] = 0
        }
        self.init(
            encoding: encoding, rows: rows, columns: columns, buffer: buffer, offset: 0, stride: stride,
            scales: encoding == .int8 ? try AlignedBuffer(count: rows) : nil, firstScale: 0)
    }

    /// A float32 matrix, in place.
    package init(_ matrix: Matrix) {
        self.init(
            encoding: .float32, rows: matrix.rows, columns: matrix.columns, buffer: matrix.buffer,
            offset: 4 * matrix.offset, stride: 4 * matrix.stride, scales: nil, firstScale: 0)
    }

    /// A view of some rows.
    package func rows(_ range: Range<Int>) -> ActivationRows {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows)
        return ActivationRows(
            encoding: encoding, rows: range.count, columns: columns, buffer: buffer,
            offset: offset + range.lowerBound * stride, stride: stride, scales: scaleBuffer,
            firstScale: firstScale + range.lowerBound)
    }

    /// A view of some columns.
    package func columns(_ range: Range<Int>) -> ActivationRows {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns)
        return ActivationRows(
            encoding: encoding, rows: rows, columns: range.count, buffer: buffer,
            offset: offset + range.lowerBound * encoding.size, stride: stride, scales: scaleBuffer,
            firstScale: firstScale)
    }

    /// The first element. Valid as long as a view of the buffer lives.
    var start: UnsafeMutableRawPointer { UnsafeMutableRawPointer(buffer.start) + offset }
    var scales: UnsafeMutablePointer<Float>? { scaleBuffer.map { $0.start + firstScale } }
    /// Elements from row to row.
    var elementStride: Int { stride / encoding.size }

    var native: native_rows { native_rows(elements: start, stride: stride, scales: scales, type: encoding.type) }

    /// The values of the rows, in row-major order.
    package var elements: [Float] {
        (0..<rows).flatMap { row in
            (0..<columns).map { column in
                let place = start + row * stride + column * encoding.size
                switch encoding {
                case .float32, .emulatedBFloat16: return place.load(as: Float.self)
                case .bfloat16: return Float(bitPattern: UInt32(place.load(as: UInt16.self)) << 16)
                case .int8: return Float(Int(place.load(as: UInt8.self)) - 128) * scales![row]
                }
            }
        }
    }

    /// The values of a float32 or bfloat16 row.
    func widen(_ row: Int, into target: UnsafeMutablePointer<Float>, _ kernels: Kernels) {
        let place = start + row * stride
        if encoding == .bfloat16 {
            kernels.table.pointee.widen_bfloat16(columns, place.assumingMemoryBound(to: UInt16.self), target)
        } else {
            precondition(encoding.size == 4)
            target.update(from: place.assumingMemoryBound(to: Float.self), count: columns)
        }
    }

    /// Rounds float32 or bfloat16 rows to the encoding of `output`.
    package func store(into output: ActivationRows, _ pool: ThreadPool) throws(PixArtError) {
        precondition(output.rows == rows && output.columns == columns)
        try pool.run(total: rows, grain: 64, as: .rows) { range, scratch throws(PixArtError) in
            let (x, out) = (self.rows(range), output.rows(range))
            var native = out.native
            if encoding == .bfloat16 {
                let work = try scratch.floats(columns, slot: 0)
                pool.kernels.table.pointee.store_bfloat16(
                    x.rows, columns, x.start.assumingMemoryBound(to: UInt16.self), x.elementStride, work, &native)
            } else {
                pool.kernels.table.pointee.store_rows(
                    x.rows, columns, x.start.assumingMemoryBound(to: Float.self), x.elementStride, &native)
            }
        }
    }
}

extension ThreadPool {
    /// The encoding of activations for GEMMs in `compute`.
    package func encoding(for compute: ComputePrecision) -> ActivationRows.Encoding {
        switch compute {
        case .float32: .float32
        case .bfloat16: kernels.table.pointee.multiplies_bfloat16 != 0 ? .bfloat16 : .emulatedBFloat16
        case .int8: .int8
        }
    }
}
