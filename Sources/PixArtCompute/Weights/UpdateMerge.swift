import PixArtStorage

/// Adds what adapters change to a weight, in float32.
struct UpdateMerge {
    private let base: WeightMatrix
    private let pool: ThreadPool
    /// Outputs that a worker does at a time.
    private static let grain = 16

    /// `base` stays as it is: differences are from it.
    init(base: WeightMatrix, _ pool: ThreadPool) {
        self.base = base
        self.pool = pool
    }

    /// The base's elements. Fails with `.memory`.
    func widened() throws(PixArtError) -> Matrix { try widened(base) }

    private func widened(_ weight: WeightMatrix) throws(PixArtError) -> Matrix {
        let matrix = try Matrix(rows: weight.outputs, columns: weight.inputs)
        try forRows(of: matrix) { rows, _ in weight.widen(outputs: rows, into: matrix.rows(rows)) }
        return matrix
    }

    private func widened(_ stored: StoredTensor) throws(PixArtError) -> Matrix {
        guard let encoding = WeightEncoding(stored) else { preconditionFailure("factors are floating point") }
        let weight = try WeightMatrix(stored, encoding: encoding, outputs: stored.shape[0], inputs: stored.shape[1])
        defer { weight.discard() }
        return try widened(weight)
    }

    private func forRows(
        of matrix: Matrix,
        _ body: (_ rows: Range<Int>, _ scratch: ThreadPool.Scratch) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        try pool.run(total: matrix.rows, grain: Self.grain, as: .weights) { rows, scratch throws(PixArtError) in
            try body(rows, scratch)
        }
    }

    /// Adds an update to `target`, [outputs, inputs]. Fails with `.memory`.
    func add(_ update: WeightUpdate, strength: Float, to target: Matrix) throws(PixArtError) {
        guard let decomposition = update.decomposition else {
            return try add(update.difference, times: update.scale * strength, to: target)
        }
        let changed = try widened()
        let isWithin = decomposition.strength == .difference
        try add(update.difference, times: isWithin ? update.scale * strength : update.scale, to: changed)
        let lengths = try lengths(of: changed, decomposition)
        // Inputs that share a length.
        let run = decomposition.axis == .inputs ? changed.columns / lengths.count : 1
        try forRows(of: target) { rows, scratch throws(PixArtError) in
            let own = try scratch.floats(base.inputs, slot: 0)
            for row in rows {
                base.widen(outputs: row..<row + 1, to: own)
                let (out, changed) = (target.row(row), changed.row(row))
                for column in 0..<base.inputs {
                    let index = decomposition.axis == .outputs ? row : column / run
                    let factor = decomposition.magnitudes[index] * lengths[index]
                    switch decomposition.strength {
                    case .difference: out[column] += changed[column] * factor - own[column]
                    case .change: out[column] += strength * (changed[column] * factor - own[column])
                    case .lengths: out[column] += changed[column] * (strength * (factor - 1) + 1) - own[column]
                    }
                }
            }
        }
    }

    /// What the rows, or the columns, are to be multiplied by to have the length 1; 1 where all elements are 0.
    private func lengths(
        of matrix: Matrix, _ decomposition: WeightUpdate.Decomposition
    ) throws(PixArtError) -> [Float] {
        let count = decomposition.magnitudes.count
        let lengths = try AlignedBuffer(count: count)
        let run = decomposition.axis == .inputs ? matrix.columns / count : matrix.columns
        try pool.run(total: count, grain: Self.grain, as: .weights) { range, _ throws(PixArtError) in
            for index in range {
                var sum = 0.0
                if decomposition.axis == .outputs {
                    for column in 0..<matrix.columns {
                        sum += Double(matrix[index, column]) * Double(matrix[index, column])
                    }
                } else {
                    for row in 0..<matrix.rows {
                        let elements = matrix.row(row) + index * run
                        for column in 0..<run { sum += Double(elements[column]) * Double(elements[column]) }
                    }
                }
                lengths.start[index] = sum > 0 ? Float(1 / sum.squareRoot()) : 1
            }
        }
        return Array(UnsafeBufferPointer(start: lengths.start, count: count))
    }

    // MARK: Differences

    private func add(
        _ difference: WeightUpdate.Difference, times factor: Float, to target: Matrix
    ) throws(PixArtError) {
        switch difference {
        case .lowRank(let up, let down):
            let gates = [Float](repeating: factor, count: target.columns)
            try multiply(up, down, into: target, .accumulate(gate: gates))
        case .hadamard(let left, let right):
            let product = try Matrix(rows: target.rows, columns: target.columns)
            for (factor, epilogue) in [(left, Linear.Epilogue.store), (right, .multiply)] {
                guard case .product(let up, let down) = factor else {
                    preconditionFailure("factors of LoHa are products")
                }
                try multiply(up, down, into: product, epilogue)
            }
            try forRows(of: target) { rows, _ in
                for row in rows {
                    let (out, product) = (target.row(row), product.row(row))
                    for column in 0..<target.columns { out[column] += factor * product[column] }
                }
            }
        case .kronecker(let left, let right, let firstRow):
            let (left, right) = (try matrix(left), try matrix(right))
            try forRows(of: target) { rows, _ in
                for row in rows {
                    let (outer, inner) = (firstRow + row).quotientAndRemainder(dividingBy: right.rows)
                    let (out, right) = (target.row(row), right.row(inner))
                    let count = target.columns / left.columns
                    for block in 0..<left.columns {
                        let element = factor * left[outer, block]
                        for column in 0..<count { out[block * count + column] += element * right[column] }
                    }
                }
            }
        }
    }

    private func matrix(_ factor: WeightUpdate.Factor) throws(PixArtError) -> Matrix {
        switch factor {
        case .whole(let matrix): return try widened(matrix)
        case .product(let up, let down):
            let product = try Matrix(rows: up.shape[0], columns: down.shape[1])
            try multiply(up, down, into: product, .store)
            return product
        }
    }

    /// target = up [rows, rank] times down [rank, columns], with an epilogue.
    private func multiply(
        _ up: StoredTensor, _ down: StoredTensor, into target: Matrix, _ epilogue: Linear.Epilogue
    ) throws(PixArtError) {
        let down = try widened(down)
        let transposed = try AlignedBuffer(count: down.rows * down.columns)
        for row in 0..<down.rows {
            let elements = down.row(row)
            for column in 0..<down.columns { transposed.start[column * down.rows + row] = elements[column] }
        }
        let weight = WeightMatrix(
            outputs: down.columns, inputs: down.rows, encoding: .float32, elements: transposed, scales: nil)
        try Linear(weight: weight)(widened(up), into: target, pool, epilogue: epilogue)
    }
}
