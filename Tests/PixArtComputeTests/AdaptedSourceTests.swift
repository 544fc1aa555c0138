import CPixArt
import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Adapters in weights, against naive twins in double precision.
@Suite struct AdaptedSourceTests {
    private let pool = try! ThreadPool(threads: 2)
    private let outputs = 36
    private let inputs = 24

    /// A matrix of doubles.
    private struct Twin {
        let rows: Int
        let columns: Int
        var values: [Double]

        init(_ rows: Int, _ columns: Int, _ values: [Double]) {
            self.rows = rows
            self.columns = columns
            self.values = values
        }

        init(_ rows: Int, _ columns: Int, _ value: (Int, Int) -> Double) {
            self.init(rows, columns, (0..<rows * columns).map { value($0 / columns, $0 % columns) })
        }

        subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

        static func * (left: Twin, right: Twin) -> Twin {
            Twin(left.rows, right.columns) { row, column in
                (0..<left.columns).reduce(0) { $0 + left[row, $1] * right[$1, column] }
            }
        }

        static func + (left: Twin, right: Twin) -> Twin {
            Twin(left.rows, left.columns) { left[$0, $1] + right[$0, $1] }
        }

        static func * (factor: Double, right: Twin) -> Twin {
            Twin(right.rows, right.columns, right.values.map { factor * $0 })
        }
    }

    private struct Factor {
        let stored: StoredTensor
        let twin: Twin
    }

    private func factor(_ rows: Int, _ columns: Int, _ seed: UInt64, _ type: ElementType = .float32) throws -> Factor {
        var numbers = Numbers(seed: seed)
        let (bytes, values) = encoded(numbers.array(rows * columns), as: type)
        return Factor(
            stored: try stored(type, [rows, columns], bytes), twin: Twin(rows, columns, values.map { Double($0) }))
    }

    private func lowRank(
        _ seed: UInt64, rank: Int = 4, scale: Float = 0.75, _ decomposition: WeightUpdate.Decomposition? = nil,
        type: ElementType = .float32
    ) throws -> (update: WeightUpdate, twin: Twin) {
        let (up, down) = (try factor(outputs, rank, seed, type), try factor(rank, inputs, seed + 1, type))
        let update = WeightUpdate(
            .lowRank(up: up.stored, down: down.stored), outputs: outputs, inputs: inputs, rank: rank, scale: scale,
            decomposition)
        return (update, Double(scale) * (up.twin * down.twin))
    }

    private func source(
        _ base: Weights, _ updates: [(WeightUpdate, strength: Float)], fusing: AdaptedSource.Fusing = .floatingPoint
    ) throws -> AdaptedSource {
        try AdaptedSource(
            base,
            updates.enumerated().map { index, pair in
                AppliedAdapter(path: "adapter \(index)", strength: pair.strength, updates: ["l.weight": pair.0])
            }, fusing: fusing, pool)
    }

    private func weights(_ type: ElementType = .float32, shape: [Int]? = nil) throws -> (Weights, Twin) {
        var numbers = Numbers(seed: 77)
        let (bytes, values) = encoded(numbers.array(outputs * inputs), as: type)
        let base = Weights(tensors: ["l.weight": try stored(type, shape ?? [outputs, inputs], bytes)])
        return (base, Twin(outputs, inputs, values.map { Double($0) }))
    }

    private func merged(_ source: AdaptedSource) throws -> [Float] {
        try Tensor(#require(try source["l.weight"])).floats
    }

    // MARK: Formulas

    @Test(arguments: [ElementType.float32, .float16, .bfloat16])
    func lowRankOfEachType(_ type: ElementType) throws {
        let (base, twin) = try weights(type)
        let (update, difference) = try lowRank(1, type: type)
        let source = try source(base, [(update, -1.5)])
        #expect(try source["l.weight"]?.type == .float32)
        #expect(relativeError(try merged(source), (twin + -1.5 * difference).values) < 3e-7)
        #expect(try source.planned["l.weight"]?.shape == [outputs, inputs])
    }

    @Test func convolution() throws {
        let (base, twin) = try weights(shape: [outputs, 6, 2, 2])
        let (update, difference) = try lowRank(2)
        let source = try source(base, [(update, 1)])
        #expect(try source["l.weight"]?.shape == [outputs, 6, 2, 2])
        #expect(relativeError(try merged(source), (twin + difference).values) < 3e-7)
    }

    @Test func hadamard() throws {
        let (base, twin) = try weights()
        let factors = [
            try factor(outputs, 3, 10), try factor(3, inputs, 11), try factor(outputs, 3, 12),
            try factor(3, inputs, 13),
        ]
        let update = WeightUpdate(
            .hadamard(
                .product(up: factors[0].stored, down: factors[1].stored),
                .product(up: factors[2].stored, down: factors[3].stored)),
            outputs: outputs, inputs: inputs, rank: 3, scale: 0.5)
        let (first, second) = (factors[0].twin * factors[1].twin, factors[2].twin * factors[3].twin)
        let expected = twin + Twin(outputs, inputs) { 2 * 0.5 * first[$0, $1] * second[$0, $1] }
        #expect(relativeError(try merged(source(base, [(update, 2)])), expected.values) < 5e-7)
    }

    /// The whole product, and the rows of one part of a fused projection, which begin within a row of the first factor.
    @Test(arguments: [0, 18])
    func kronecker(_ first: Int) throws {
        let (base, twin) = try weights()
        let left = try factor(first == 0 ? 3 : 6, 4, 20)
        let (up, down) = (try factor(12, 2, 21), try factor(2, 6, 22))
        let update = WeightUpdate(
            .kronecker(.whole(left.stored), .product(up: up.stored, down: down.stored), firstRow: first),
            outputs: outputs, inputs: inputs, rank: 2, scale: 0.25)
        let right = up.twin * down.twin
        let expected =
            twin
            + Twin(outputs, inputs) { row, column in
                0.25 * left.twin[(first + row) / 12, column / 6] * right[(first + row) % 12, column % 6]
            }
        #expect(relativeError(try merged(source(base, [(update, 1)])), expected.values) < 3e-7)
    }

    private typealias Decomposition = WeightUpdate.Decomposition

    /// What DoRA makes of a weight, by the rule of each program.
    private func decomposed(
        _ base: Twin, _ difference: Twin, _ strength: Double, _ rule: Decomposition.Strength,
        _ axis: Decomposition.Axis, _ magnitudes: [Float]
    ) -> Twin {
        let changed = base + (rule == .difference ? strength : 1) * difference
        let run = axis == .inputs ? inputs / magnitudes.count : 1
        func length(_ index: Int) -> Double {
            let elements = (0..<outputs * inputs).filter {
                axis == .outputs ? $0 / inputs == index : $0 % inputs / run == index
            }
            return elements.reduce(0) { $0 + changed.values[$1] * changed.values[$1] }.squareRoot()
        }
        let factors = magnitudes.indices.map { Double(magnitudes[$0]) / length($0) }
        return Twin(outputs, inputs) { row, column in
            let (v, w) = (changed[row, column], base[row, column])
            let factor = factors[axis == .outputs ? row : column / run]
            switch rule {
            case .difference: return v * factor
            case .change: return w + strength * (v * factor - w)
            case .lengths: return v * (strength * (factor - 1) + 1)
            }
        }
    }

    /// 6 magnitudes are those of a convolution's channels.
    @Test(
        arguments: [Decomposition.Strength.difference, .change, .lengths],
        [(Decomposition.Axis.outputs, 36, 1.0), (.inputs, 24, 1.0), (.inputs, 6, 0.4), (.outputs, 36, 0.4)])
    func dora(
        _ rule: WeightUpdate.Decomposition.Strength,
        _ setting: (axis: WeightUpdate.Decomposition.Axis, count: Int, strength: Double)
    ) throws {
        var numbers = Numbers(seed: 30)
        let magnitudes = numbers.array(setting.count).map { 3 + $0 }
        let (base, twin) = try weights()
        let (update, difference) = try lowRank(
            31, .init(magnitudes: magnitudes, axis: setting.axis, strength: rule))
        let strength = Float(setting.strength)
        let expected = decomposed(twin, difference, Double(strength), rule, setting.axis, magnitudes)
        #expect(relativeError(try merged(source(base, [(update, strength)])), expected.values) < 5e-7)
    }

    /// Changes are from the base, whatever the order.
    @Test func severalAddUp() throws {
        var numbers = Numbers(seed: 40)
        let magnitudes = [numbers.array(outputs).map { 3 + $0 }, numbers.array(inputs).map { 4 + $0 }]
        let (base, twin) = try weights()
        let plain = try lowRank(41)
        let first = try lowRank(43, .init(magnitudes: magnitudes[0], axis: .outputs, strength: .difference))
        let second = try lowRank(45, .init(magnitudes: magnitudes[1], axis: .inputs, strength: .change))
        let changes = [
            decomposed(twin, first.twin, 0.5, .difference, .outputs, magnitudes[0]),
            decomposed(twin, second.twin, 1, .change, .inputs, magnitudes[1]),
        ]
        let expected = changes.reduce(twin + 0.25 * plain.twin) { $0 + ($1 + -1 * twin) }
        let updates = [(plain.update, strength: Float(0.25)), (first.update, 0.5), (second.update, 1)]
        for order in [updates, updates.reversed()] {
            #expect(relativeError(try merged(source(base, order)), expected.values) < 5e-7)
        }
    }

    @Test func strengthOfZeroChangesNothing() throws {
        let (base, twin) = try weights()
        let source = try source(base, [(lowRank(50).update, 0)])
        #expect(try merged(source).map { Double($0) } == twin.values)
        #expect(try source["l.weight"]?.isMapped == true)
        #expect(source.fusedAdapters == [0])
    }

    // MARK: Beside weights

    /// A base in fewer bits loses nothing: the product differs from that of the rounded base plus the update by float32
    /// only.
    @Test(arguments: [WeightEncoding.int8, .int4])
    func besideRoundedWeights(_ encoding: WeightEncoding) throws {
        let (float, _) = try weights()
        let held = try WeightReader(WeightLoading(float, as: encoding, pool)).matrix(
            "l.weight", outputs: outputs, inputs: inputs, minimum: .int4)
        let rounded = held.withBytes { elements, scales in (Array(elements), Array(scales)) }
        let base = Weights(tensors: [
            "l.weight": try stored(
                encoding.layout.type, encoding.shape(outputs: outputs, inputs: inputs), rounded.0),
            "l.weight_scale": try stored(
                .float32, encoding.scaleShape(outputs: outputs, inputs: inputs), rounded.1),
        ])
        let wide = try Matrix(rows: outputs, columns: inputs)
        held.widen(outputs: 0..<outputs, into: wide)
        let twin = Twin(outputs, inputs, wide.elements.map { Double($0) })
        let (update, difference) = try lowRank(60)
        let x = try factor(5, inputs, 61)
        let expected = Twin(5, outputs) { row, output in
            (0..<inputs).reduce(0) { $0 + x.twin[row, $1] * (twin + 0.8 * difference)[output, $1] }
        }
        for fusing in [AdaptedSource.Fusing.floatingPoint, .all, .none] {
            let source = try source(base, [(update, 0.8)], fusing: fusing)
            #expect(source.names.contains("l.weight_scale") == (fusing != .all))
            let reader = WeightReader(source)
            let layer = try reader.linear("l", outputs: outputs, inputs: inputs, bias: false, minimum: .int4)
            #expect(layer.weight.encoding == (fusing == .all ? .float32 : encoding))
            #expect(layer.updates.count == (fusing == .all ? 0 : 1))
            #expect(reader.footprint.largestRank == (fusing == .all ? 0 : 4))
            let output = try Matrix(rows: 5, columns: outputs)
            try layer(Matrix(rows: 5, columns: inputs, elements: x.twin.values.map { Float($0) }), into: output, pool)
            #expect(relativeError(output.elements, expected.values) < 5e-7, "\(fusing)")
        }
    }

    /// A rank that is no less work than the weight is merged.
    @Test func highRanksAreMerged() throws {
        let bytes = [UInt8](repeating: 0x38, count: outputs * inputs)
        let base = Weights(tensors: ["l.weight": try stored(.float8E4M3, [outputs, inputs], bytes)])
        #expect(try source(base, [(lowRank(70, rank: 14).update, 1)]).fusedAdapters == [])
        #expect(try source(base, [(lowRank(70, rank: 15).update, 1)]).fusedAdapters == [0])
    }

    @Test func errors() throws {
        let (base, _) = try weights()
        let narrow = WeightUpdate(
            .lowRank(up: try factor(outputs, 2, 1).stored, down: try factor(2, 5, 2).stored), outputs: outputs,
            inputs: 5, rank: 2, scale: 1)
        expectFailure(PIXART_ERROR_MODEL, "adapter 0", "\"l.weight\"", "[36, 5]", "[36, 24]") {
            _ = try source(base, [(narrow, 1)])
        }
        let text = Weights(tensors: ["l.weight": try stored(.uint8, [3], [1, 2, 3])])
        expectFailure(PIXART_ERROR_MODEL, "l.weight", "adapter 0") {
            _ = try source(text, [(lowRank(1).update, 1)])
        }
    }
}
