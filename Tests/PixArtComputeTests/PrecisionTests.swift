import Foundation
import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// GEMMs and attention in every precision, on every instruction set of this processor, against naive implementations
/// in double precision.
@Suite struct PrecisionTests {
    private func pool(_ instructions: String) throws -> ThreadPool {
        try ThreadPool(threads: 2, instructions: instructions)
    }

    /// Weights of a layer in a precision, and their values. Powers make most of them small.
    private func weights(
        _ precision: WeightEncoding?, outputs: Int, inputs: Int, power: Float = 1, _ pool: ThreadPool
    ) throws -> (WeightMatrix, held: [Float]) {
        var numbers = Numbers(seed: 7)
        let values = numbers.array(outputs * inputs).map { $0.sign == .minus ? -pow(-$0, power) : pow($0, power) }
        let bytes = encoded(values, as: .float32).bytes
        let source = Weights(tensors: ["w": try stored(.float32, [outputs, inputs], bytes)])
        let supply = WeightLoading(source, as: precision, pool)
        let matrix = try WeightReader(supply).matrix("w", outputs: outputs, inputs: inputs, minimum: .int4)
        return (matrix, try widened(matrix))
    }

    private func widened(_ matrix: WeightMatrix) throws -> [Float] {
        let target = try Matrix(rows: matrix.outputs, columns: matrix.inputs)
        matrix.widen(outputs: 0..<matrix.outputs, into: target)
        return target.elements
    }

    private func bfloat16(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
    }

    /// The factors of a GEMM: weights rounded to the precision of the computation.
    private func multiplied(_ matrix: WeightMatrix, _ held: [Float], _ compute: ComputePrecision) -> [Double] {
        let inputs = matrix.inputs
        switch (compute, matrix.encoding) {
        case (.float32, _), (_, .int8): return held.map { Double($0) }
        case (.bfloat16, _): return held.map { Double(bfloat16($0)) }
        case (.int8, .int4): return requantized(matrix)
        case (.int8, _):
            return stride(from: 0, to: held.count, by: inputs).flatMap { start in
                let row = held[start..<start + inputs]
                let unit = row.map { abs($0) }.max()! / 127
                return row.map { Double(($0 * (1 / unit)).rounded(.toNearestOrEven)) * Double(unit) }
            }
        }
    }

    /// int4 values rounded to one scale for each output, as int8. Factors are multiples of 1/2048.
    private func requantized(_ matrix: WeightMatrix) -> [Double] {
        let group = WeightEncoding.int4.layout.group!
        let columns = matrix.encoding.scaleShape(outputs: matrix.outputs, inputs: matrix.inputs)[1]
        let runs = matrix.encoding.shape(outputs: matrix.outputs, inputs: matrix.inputs)[1]
        return matrix.withBytes { elements, scales in
            (0..<matrix.outputs).flatMap { output in
                let first = output / group.outputs * columns
                let scales = scales.bindMemory(to: Float.self)[first..<first + columns].map { $0 }
                let unit = scales.map { abs($0) }.max()! * (8 / 127 as Float)
                return (0..<matrix.inputs).map { input in
                    let run = (output / 16 * runs + input / 8) * 16 + output % 16
                    let byte = elements[run * 4 + input % 4]
                    let value = Double(Int(input % 8 < 4 ? byte & 15 : byte >> 4) - 8)
                    let factor = scales[input / group.inputs!] * (1 / unit)
                    let rounded = Double((factor * 2048).rounded(.toNearestOrEven)) / 2048
                    return (value * rounded + 0.5).rounded(.down) * Double(unit)
                }
            }
        }
    }

    private func gemm(_ x: [Float], _ weights: [Double], inputs: Int, bias: [Float]) -> [Double] {
        stride(from: 0, to: x.count, by: inputs).flatMap { row in
            bias.indices.map { output in
                (0..<inputs).reduce(Double(bias[output])) {
                    $0 + Double(x[row + $1]) * weights[output * inputs + $1]
                }
            }
        }
    }

    /// Sizes that do not divide panels of 32 outputs, tiles of 12 rows and units of 4 bytes.
    @Test(arguments: Kernels.available, [nil] + WeightEncoding.targets)
    func gemms(_ instructions: String, _ precision: WeightEncoding?) throws {
        let pool = try pool(instructions)
        for (rows, inputs, outputs) in [(1, 64, 32), (20, 192, 149), (131, 67, 40), (3, 300, 64), (2, 256, 48)] {
            let (matrix, held) = try weights(precision, outputs: outputs, inputs: inputs, pool)
            for compute in ComputePrecision.allCases {
                var numbers = Numbers(seed: 3)
                let x = try ActivationRows(rows: rows, columns: inputs, encoding: pool.encoding(for: compute))
                try ActivationRows(numbers.matrix(rows, inputs)).store(into: x, pool)
                let output = try Matrix(rows: rows, columns: outputs)
                let bias = numbers.array(outputs)
                try Linear(weight: matrix, bias: bias)(x, into: ActivationRows(output), pool)
                let expected = gemm(
                    x.elements, multiplied(matrix, held, compute), inputs: inputs, bias: bias)
                #expect(
                    relativeError(output.elements, expected) < 4e-7, "\(rows) x \(inputs) x \(outputs) in \(compute)")
            }
        }
    }

    /// int8 sums are exact, whatever the weights: neighbours that are both large, and few such.
    @Test(arguments: Kernels.available, [1, 3, 9] as [Float])
    func int8IsThePortableOne(_ instructions: String, _ power: Float) throws {
        for (rows, inputs, outputs) in [(1, 64, 32), (31, 1152, 50), (7, 8301, 33), (96, 67, 9)] {
            func output(_ instructions: String, _ precision: WeightEncoding) throws -> [Float] {
                let pool = try pool(instructions)
                let (matrix, _) = try weights(precision, outputs: outputs, inputs: inputs, power: power, pool)
                var numbers = Numbers(seed: 3)
                let x = try ActivationRows(rows: rows, columns: inputs, encoding: .int8)
                try ActivationRows(numbers.matrix(rows, inputs)).store(into: x, pool)
                let output = try Matrix(rows: rows, columns: outputs)
                try Linear(weight: matrix)(x, into: ActivationRows(output), pool)
                return output.elements
            }
            for precision in [WeightEncoding.int8, .int4] {
                let equal = try output(instructions, precision) == output("portable", precision)
                #expect(equal, "\(rows) x \(inputs) x \(outputs) in \(precision)")
            }
        }
    }

    /// The rounding error has the size that the precision implies: two-sided.
    @Test(
        arguments: Kernels.available,
        [(WeightEncoding.bfloat16, 1.2e-3, 2.2e-3), (.int8, 1e-3, 5e-3), (.int4, 0.04, 0.09)])
    func roundedWeights(_ instructions: String, _ bound: (WeightEncoding, least: Double, most: Double)) throws {
        let pool = try pool(instructions)
        var numbers = Numbers(seed: 7)
        let exact = numbers.array(40 * 200)
        let (_, held) = try weights(bound.0, outputs: 40, inputs: 200, pool)
        let error = relativeError(held, exact.map { Double($0) })
        #expect(bound.least < error && error < bound.most, "\(error)")
    }

    /// The same numbers on every instruction set.
    @Test(arguments: [WeightEncoding.bfloat16, .int8, .int4])
    func quantizationIsThePortableOne(_ precision: WeightEncoding) throws {
        let expected = try weights(precision, outputs: 9, inputs: 200, pool("portable")).held
        for instructions in Kernels.available {
            #expect(
                try weights(precision, outputs: 9, inputs: 200, pool(instructions)).held == expected, "\(instructions)")
        }
    }

    @Test(arguments: Kernels.available)
    func roundedRows(_ instructions: String) throws {
        let pool = try pool(instructions)
        var numbers = Numbers(seed: 5)
        let x = try numbers.matrix(7, 67)
        for column in 0..<67 { x[3, column] = 0 }  // a row without a scale
        for (compute, bound) in [(ComputePrecision.bfloat16, 3e-3), (.int8, 5e-3)] {
            let rounded = try ActivationRows(rows: 7, columns: 67, encoding: pool.encoding(for: compute))
            try ActivationRows(x).store(into: rounded, pool)
            let error = relativeError(rounded.elements, x.elements.map { Double($0) })
            #expect(1e-4 < error && error < bound, "\(compute): \(error)")
            #expect(rounded.rows(3..<4).elements.allSatisfy { $0 == 0 })
        }
    }

    /// bfloat16 inputs and weights of attention; lengths around tiles, panels and blocks: (queries, keys).
    @Test(arguments: Kernels.available, [(1, 1), (19, 20), (20, 33), (61, 257), (300, 600)])
    func attention(_ instructions: String, _ lengths: (queries: Int, keys: Int)) throws {
        let pool = try pool(instructions)
        let encoding = pool.encoding(for: .bfloat16)
        var numbers = Numbers(seed: 11)
        func operand(_ rows: Int, shift: Float = 0) throws -> ActivationRows {
            let matrix = try numbers.matrix(rows, 3 * 24)
            for row in 0..<rows { for column in 0..<72 { matrix[row, column] += shift } }
            let result = try ActivationRows(rows: rows, columns: 72, encoding: encoding)
            try ActivationRows(matrix).store(into: result, pool)
            return result
        }
        // Scores far below zero. A padding key of zeros would outweigh them.
        let query = try operand(lengths.queries, shift: 2)
        let (key, value) = (try operand(lengths.keys, shift: -2), try operand(lengths.keys))
        let output = try ActivationRows(rows: lengths.queries, columns: 72, encoding: encoding)
        try Attention(heads: 3, scale: 2)(query: query, key: key, value: value, into: output, pool)
        let (q, k, v) = (query.elements, key.elements, value.elements)
        var expected = [Double](repeating: 0, count: q.count)
        for head in 0..<3 {
            for row in 0..<lengths.queries {
                let scores = (0..<lengths.keys).map { key in
                    (0..<24).reduce(0.0) {
                        $0 + Double(q[row * 72 + head * 24 + $1]) * Double(k[key * 72 + head * 24 + $1])
                    } * 2
                }
                let weights = scores.map { exp($0 - scores.max()!) }
                let sum = weights.reduce(0, +)
                for column in 0..<24 {
                    expected[row * 72 + head * 24 + column] = (0..<lengths.keys).reduce(0) {
                        $0 + weights[$1] / sum * Double(v[$1 * 72 + head * 24 + column])
                    }
                }
            }
        }
        #expect(relativeError(output.elements, expected) < 4e-3)
    }

    @Test func unknownInstructionsAreNamed() throws {
        do {
            _ = try ThreadPool(threads: 1, instructions: "altivec")
            Issue.record("a set that no processor of this kind has")
        } catch {
            #expect(error.message.contains("\"altivec\"") && error.message.contains("\"portable\""))
        }
    }

    @Test func minimumEncodings() {
        for stored in [WeightEncoding.float32, .float16, .bfloat16] {
            #expect(stored.held(as: .int4, minimum: .int8) == .int8)
            #expect(stored.held(as: .int4, minimum: .bfloat16) == .bfloat16)
            #expect(stored.held(as: .int4, minimum: .int4) == .int4)
            #expect(stored.held(as: .int8, minimum: .int4) == .int8)
            #expect(stored.held(as: .bfloat16, minimum: .int8) == .bfloat16)
            #expect(stored.held(as: .float32, minimum: .bfloat16) == .float32)
            #expect(stored.held(as: .float32, minimum: .float32) == .float32)
            #expect(stored.held(as: nil, minimum: .float32) == stored)
            for requested in [WeightEncoding.bfloat16, .int8, .int4] {
                #expect(stored.held(as: requested, minimum: .float32) == stored)
            }
        }
    }

    /// Blocks are recognized by their shape. Bytes of another shape are no weight.
    @Test func storedEncodings() throws {
        func encoding(_ type: ElementType, _ shape: [Int]) throws -> WeightEncoding? {
            WeightEncoding(try stored(type, shape, [UInt8](repeating: 0, count: shape.reduce(type.size, *))))
        }
        #expect(try encoding(.float32, [2, 3]) == .float32)
        #expect(try encoding(.float16, [2, 3, 3, 3]) == .float16)
        #expect(try encoding(.bfloat16, []) == .bfloat16)
        #expect(try encoding(.int8, [2, 3]) == .int8)
        #expect(try encoding(.uint8, [2, 3, 16, 4]) == .int4)
        #expect(try encoding(.uint8, [2, 3, 4, 16]) == nil)
        #expect(try encoding(.uint8, [16, 4]) == nil)
        let weights = Weights(tensors: [
            "a": try stored(.uint8, [5], [UInt8](repeating: 0, count: 5)),
            "b": try stored(.float32, [1], [0, 0, 0, 0]),
        ])
        #expect(weights.quantization == nil)
    }
}
