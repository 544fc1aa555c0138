import CNative

/// A linear layer, `x Wᵀ + b`, with weights in the precision they are stored in and float32 arithmetic.
package struct Linear: Sendable {
    package let weight: WeightMatrix
    /// One for each output; zeros where the layer has none.
    package let bias: [Float]

    /// What becomes of a product.
    package enum Epilogue {
        /// output = x Wᵀ + b
        case store
        /// output = gelu(x Wᵀ + b), tanh form
        case gelu
        /// output += gate * (x Wᵀ + b), with one gate for each output
        case accumulate(gate: [Float])
    }

    package init(weight: WeightMatrix, bias: [Float]? = nil) {
        self.weight = weight
        self.bias = bias ?? [Float](repeating: 0, count: weight.outputs)
    }

    /// `input` is [rows, inputs] and `output` [rows, outputs]; they must not overlap.
    ///
    /// Many rows are split among the workers, with narrow weights widened once for all of them; for few rows the outputs
    /// are split, and each worker widens what it needs into its own cache.
    package func callAsFunction(
        _ input: Matrix, into output: Matrix, _ pool: ThreadPool, epilogue: Epilogue = .store
    ) throws(PixArtError) {
        precondition(input.columns == weight.inputs && output.columns == weight.outputs && input.rows == output.rows)
        let rows = input.rows
        guard rows >= 256 else { return try byOutputs(input, output, pool, epilogue) }
        var dense = weight.float32
        var widened: AlignedBuffer?
        if dense == nil {
            let buffer = try AlignedBuffer(count: weight.outputs * weight.inputs)
            pool.run(total: weight.outputs, grain: 64) { range, _ in
                weight.widen(outputs: range, to: buffer.start + range.lowerBound * weight.inputs)
            }
            (dense, widened) = (UnsafePointer(buffer.start), buffer)
        }
        let start = dense!
        let slices = (rows + pool.count * 1024 - 1) / (pool.count * 1024) * pool.count
        try pool.run(total: rows, grain: (rows + slices - 1) / slices) { range, scratch throws(PixArtError) in
            try product(
                input.rows(range), start, 0..<weight.outputs, output.rows(range), scratch, epilogue)
        }
        withExtendedLifetime(widened) {}
    }

    private func byOutputs(
        _ input: Matrix, _ output: Matrix, _ pool: ThreadPool, _ epilogue: Epilogue
    ) throws(PixArtError) {
        try pool.run(total: weight.outputs, grain: 128) { range, scratch throws(PixArtError) in
            let start: UnsafePointer<Float>
            if let dense = weight.float32 {
                start = dense + range.lowerBound * weight.inputs
            } else {
                let panel = try scratch.floats(range.count * weight.inputs, slot: 1)
                weight.widen(outputs: range, to: panel)
                start = UnsafePointer(panel)
            }
            try product(input, start, range, output.columns(range), scratch, epilogue)
        }
    }

    /// One worker's share: all of `input` times the weights of `outputs`, which start at `weights`.
    private func product(
        _ input: Matrix, _ weights: UnsafePointer<Float>, _ outputs: Range<Int>, _ output: Matrix,
        _ scratch: ThreadPool.Scratch, _ epilogue: Epilogue
    ) throws(PixArtError) {
        let (rows, columns) = (output.rows, output.columns)
        func multiply(into target: UnsafeMutablePointer<Float>, stride: Int) {
            native_blas_product(
                rows, columns, weight.inputs, input.start, input.stride, weights, weight.inputs, 1, target, stride, 0)
        }
        func share(_ vector: [Float], _ body: (UnsafePointer<Float>) -> Void) {
            vector.withUnsafeBufferPointer { body($0.baseAddress! + outputs.lowerBound) }
        }
        switch epilogue {
        case .store:
            multiply(into: output.start, stride: output.stride)
            share(bias) { native_add_bias(rows, columns, output.start, output.stride, $0) }
        case .gelu:
            multiply(into: output.start, stride: output.stride)
            share(bias) { native_add_bias_gelu(rows, columns, output.start, output.stride, $0) }
        case .accumulate(let gate):
            let product = try scratch.floats(rows * columns, slot: 0)
            multiply(into: product, stride: columns)
            share(bias) { bias in
                share(gate) { gate in
                    native_accumulate_gated(
                        rows, columns, product, columns, bias, gate, output.start, output.stride)
                }
            }
        }
    }
}

extension WeightReader {
    /// The linear layer `<name>.weight`, [outputs, inputs], with `<name>.bias`, [outputs], where `bias` is true.
    package func linear(
        _ name: String, outputs: Int, inputs: Int, bias: Bool = true
    ) throws(PixArtError) -> Linear {
        Linear(
            weight: try matrix("\(name).weight", outputs: outputs, inputs: inputs),
            bias: bias ? try floats("\(name).bias", [outputs]) : nil)
    }
}
