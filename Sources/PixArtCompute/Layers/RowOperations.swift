import PixArtStorage

/// Row-wise operations of networks. The workers of the pool share the rows.
extension Matrix {
    /// Rows of a task: enough for the cost of a task to be negligible.
    private static let grain = 64

    /// output = (x - mean) / sqrt(variance + epsilon) * (1 + scale) + shift, with a shift and a scale for each
    /// column, rounded to the encoding of `output`. Fails with `.memory`.
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
