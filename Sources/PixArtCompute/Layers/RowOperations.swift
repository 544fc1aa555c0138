import CKernels
import PixArtStorage

/// Row-wise operations of networks. The workers of the pool share the rows.
extension Matrix {
    /// Rows of a task: enough for the cost of a task to be negligible.
    private static let grain = 64

    /// output = (x - mean) / sqrt(variance + epsilon) * (1 + scale) + shift, with a shift and a scale for each
    /// column, rounded to the encoding of `output`, which may be this matrix. Fails with `.memory`.
    package func layerNorm(
        shift: [Float], scale: [Float], epsilon: Float, into output: ActivationRows, _ pool: ThreadPool
    ) throws(PixArtError) {
        precondition(shift.count == columns && scale.count == columns && output.columns == columns)
        precondition(output.rows == rows)
        try pool.run(total: rows, grain: Self.grain, as: .rows) { range, scratch throws(PixArtError) in
            let x = self.rows(range)
            var out = output.rows(range).native
            pool.kernels.table.pointee.layer_norm_modulate(
                x.rows, columns, x.start, x.stride, shift, scale, epsilon, try scratch.floats(columns, slot: 0), &out)
        }
    }

    /// output = x / sqrt(mean(x²) + epsilon) * weight, rounded to the encoding of `output`. Fails with `.memory`.
    package func rmsNorm(
        weight: [Float], epsilon: Float, into output: ActivationRows, _ pool: ThreadPool
    ) throws(PixArtError) {
        precondition(weight.count == columns && output.columns == columns && output.rows == rows)
        try pool.run(total: rows, grain: Self.grain, as: .rows) { range, scratch throws(PixArtError) in
            let x = self.rows(range)
            var out = output.rows(range).native
            pool.kernels.table.pointee.rms_norm(
                x.rows, columns, x.start, x.stride, weight, epsilon, try scratch.floats(columns, slot: 0), &out)
        }
    }

    /// x += addend, for each row
    package func add(row addend: [Float], _ pool: ThreadPool) throws(PixArtError) {
        precondition(addend.count == columns)
        try pool.run(total: rows, grain: Self.grain, as: .rows) { range, _ in
            for row in range { pool.kernels.table.pointee.add(columns, addend, self.row(row)) }
        }
    }

    /// x = other - x, elementwise
    package func subtract(from other: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        precondition(other.rows == rows && other.columns == columns)
        try pool.run(total: rows, grain: Self.grain, as: .rows) { range, _ in
            for row in range {
                let (x, whole) = (self.row(row), other.row(row))
                for column in 0..<columns { x[column] = whole[column] - x[column] }
            }
        }
    }

    /// x -= other, elementwise
    package func subtract(_ other: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        precondition(other.rows == rows && other.columns == columns)
        try pool.run(total: rows, grain: Self.grain, as: .rows) { range, _ in
            for row in range {
                let (x, part) = (self.row(row), other.row(row))
                for column in 0..<columns { x[column] -= part[column] }
            }
        }
    }

    /// x = x / (1 + exp(-x)), elementwise
    package func silu() {
        for row in 0..<rows { Kernels.best.table.pointee.silu(columns, self.row(row)) }
    }

    /// x += other, elementwise
    package func add(_ other: Matrix) {
        precondition(other.rows == rows && other.columns == columns)
        for row in 0..<rows { Kernels.best.table.pointee.add(columns, other.row(row), self.row(row)) }
    }
}

extension ActivationRows {
    /// stream += gate * x, with one gate for each column, or gates of 1. Rows are float32 or bfloat16. Fails with
    /// `.memory`.
    package func add(to stream: Matrix, gate: [Float]? = nil, _ pool: ThreadPool) throws(PixArtError) {
        precondition(stream.rows == rows && stream.columns == columns && gate?.count ?? columns == columns)
        try pool.run(total: rows, grain: 64, as: .rows) { range, scratch throws(PixArtError) in
            let work = try scratch.floats(columns, slot: 0)
            (gate ?? []).withUnsafeBufferPointer { gates in
                var epilogue = native_epilogue()
                epilogue.accumulate = 1
                epilogue.gate = gate == nil ? nil : gates.baseAddress
                for row in range {
                    widen(row, into: work, pool.kernels)
                    pool.kernels.table.pointee.apply_epilogue(
                        1, columns, work, columns, &epilogue, stream.row(row), stream.stride)
                }
            }
        }
    }
}
