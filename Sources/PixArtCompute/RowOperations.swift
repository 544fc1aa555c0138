import CNative

/// What networks do to each row of a matrix on its own. Rows are shared among the workers of the pool.
extension Matrix {
    /// Rows per task: enough that handing out tasks costs nothing beside them.
    private static let grain = 64

    /// output = (x - mean) / sqrt(variance + epsilon) * (1 + scale) + shift, with one shift and scale for each column.
    package func layerNorm(
        shift: [Float], scale: [Float], epsilon: Float, into output: Matrix, _ pool: ThreadPool
    ) {
        precondition(shift.count == columns && scale.count == columns && output.columns == columns)
        precondition(output.rows == rows)
        pool.run(total: rows, grain: Self.grain) { range, _ in
            let (x, out) = (self.rows(range), output.rows(range))
            native_layer_norm_modulate(
                x.rows, columns, x.start, x.stride, shift, scale, epsilon, out.start, out.stride)
        }
    }

    /// output = x / sqrt(mean(x²) + epsilon) * weight
    package func rmsNorm(weight: [Float], epsilon: Float, into output: Matrix, _ pool: ThreadPool) {
        precondition(weight.count == columns && output.columns == columns && output.rows == rows)
        pool.run(total: rows, grain: Self.grain) { range, _ in
            let (x, out) = (self.rows(range), output.rows(range))
            native_rms_norm(x.rows, columns, x.start, x.stride, weight, epsilon, out.start, out.stride)
        }
    }

    /// x = gelu(x) * other in the tanh form, elementwise
    package func gelu(times other: Matrix, _ pool: ThreadPool) {
        precondition(other.rows == rows && other.columns == columns)
        pool.run(total: rows, grain: Self.grain) { range, _ in
            let (x, other) = (self.rows(range), other.rows(range))
            native_gelu_times(x.rows, columns, x.start, x.stride, other.start, other.stride)
        }
    }

    /// x = x / (1 + exp(-x)), elementwise
    package func silu() {
        for row in 0..<rows { native_silu(columns, self.row(row)) }
    }

    /// x += other, elementwise
    package func add(_ other: Matrix) {
        precondition(other.rows == rows && other.columns == columns)
        for row in 0..<rows { native_add(columns, other.row(row), self.row(row)) }
    }
}
