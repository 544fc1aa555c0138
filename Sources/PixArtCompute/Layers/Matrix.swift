import PixArtStorage

/// A float32 matrix: a view of a buffer, which it keeps alive.
///
/// Copies share elements. Networks use the views of `rows(_:)` and `columns(_:)` to split a batch into its images and
/// a fused projection into query, key and value.
package struct Matrix: Sendable {
    package let buffer: AlignedBuffer
    package let offset: Int
    package let rows: Int
    package let columns: Int
    /// Elements from row to row; at least `columns`.
    package let stride: Int

    private init(buffer: AlignedBuffer, offset: Int, rows: Int, columns: Int, stride: Int) {
        self.buffer = buffer
        self.offset = offset
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// A new matrix with undefined contents, in the memory of `buffers`, if given. Fails with `.memory`.
    package init(rows: Int, columns: Int, _ buffers: BufferPool? = nil) throws(PixArtError) {
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow else { throw .memory("cannot allocate a matrix of \(rows) x \(columns)") }
        self.init(
            buffer: try AlignedBuffer(count: count, buffers), offset: 0, rows: rows, columns: columns, stride: columns)
    }

    /// A new matrix with the given elements in row-major order. `elements.count` must be `rows * columns`.
    package init(rows: Int, columns: Int, elements: [Float]) throws(PixArtError) {
        precondition(elements.count == rows * columns)
        try self.init(rows: rows, columns: columns)
        for (index, element) in elements.enumerated() { start[index] = element }
    }

    /// The elements of a float32 tensor [rows, columns], in place. Must not be written.
    package init(_ tensor: Tensor) {
        precondition(tensor.element == .float32 && tensor.shape.count == 2)
        self.init(
            buffer: tensor.buffer, offset: 0, rows: tensor.shape[0], columns: tensor.shape[1],
            stride: tensor.shape[1])
    }

    /// The first element. Valid as long as a view of the buffer lives.
    package var start: UnsafeMutablePointer<Float> { buffer.start + offset }

    /// The row's first element.
    package func row(_ row: Int) -> UnsafeMutablePointer<Float> {
        precondition((0..<rows).contains(row))
        return start + row * stride
    }

    /// A view of some rows.
    package func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows)
        return Matrix(
            buffer: buffer, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns,
            stride: stride)
    }

    /// A view of some columns.
    package func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns)
        return Matrix(
            buffer: buffer, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    package subscript(row: Int, column: Int) -> Float {
        get {
            precondition((0..<columns).contains(column))
            return self.row(row)[column]
        }
        nonmutating set {
            precondition((0..<columns).contains(column))
            self.row(row)[column] = newValue
        }
    }

    /// All elements in row-major order.
    package var elements: [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows * columns)
        for row in 0..<rows { result.append(contentsOf: UnsafeBufferPointer(start: self.row(row), count: columns)) }
        return result
    }

    /// Copies the elements of a matrix of the same size.
    package func copy(from source: Matrix) {
        precondition(source.rows == rows && source.columns == columns)
        for row in 0..<rows { self.row(row).update(from: source.row(row), count: columns) }
    }
}

extension Tensor {
    /// The elements of a whole matrix in place, float32 [rows, columns]. The matrix must not be written from then
    /// on.
    package convenience init(_ matrix: Matrix) {
        precondition(matrix.offset == 0 && matrix.stride == matrix.columns)
        self.init(matrix.buffer, shape: [matrix.rows, matrix.columns])
    }
}
