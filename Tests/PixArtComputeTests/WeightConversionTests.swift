import Foundation
import PixArtCompute
import PixArtStorage
import Testing

@Suite struct WeightConversionTests {
    private let pool: ThreadPool

    init() throws { pool = try ThreadPool(threads: 2) }

    private func converted(
        _ tensor: StoredTensor, to precision: WeightEncoding?
    ) throws -> (elements: [UInt8], scales: [UInt8], pieces: [Int]) {
        var (elements, scales): ([UInt8], [UInt8]) = ([], [])
        var pieces: [Int] = []
        try tensor.convert(to: precision, pool) { values, factors, read in
            elements += values
            scales += factors
            pieces.append(read)
        }
        return (elements, scales, pieces)
    }

    /// Types, shapes and bytes are consistent.
    @Test(arguments: [nil] + WeightEncoding.targets)
    func layouts(_ precision: WeightEncoding?) throws {
        var numbers = Numbers()
        for shape in [[], [0], [5], [3, 130], [2, 3, 3, 3]] {
            let tensor = try stored(
                .float32, shape, encoded(numbers.array(shape.reduce(1, *)), as: .float32).bytes)
            let layout = tensor.layout(in: precision)
            let result = try converted(tensor, to: precision)
            #expect(result.elements.count == layout.shape.reduce(1, *) * layout.type.size, "\(shape)")
            #expect(result.scales.count == 4 * (layout.scales.map { $0.reduce(1, *) } ?? 0), "\(shape)")
            #expect(result.pieces.reduce(0, +) == tensor.bytes.count, "\(shape)")
        }
    }

    /// A tensor that is read in pieces gives the same as its rows read sixteen at a time.
    @Test(arguments: [nil] + WeightEncoding.targets)
    func pieces(_ precision: WeightEncoding?) throws {
        var numbers = Numbers(seed: 3)
        let (rows, columns) = (1104, 8192)
        let row = numbers.array(columns)
        let values = (0..<rows).flatMap { index in row.map { $0 * Float(index + 1) } }
        let tensor = try stored(.float32, [rows, columns], encoded(values, as: .float32).bytes)
        let whole = try converted(tensor, to: precision)
        #expect(whole.pieces.count == 3 && whole.pieces.reduce(0, +) == 4 * rows * columns)
        for first in stride(from: 0, to: rows, by: 16) {
            let bytes = encoded(Array(values[first * columns..<(first + 16) * columns]), as: .float32).bytes
            let part = try converted(stored(.float32, [16, columns], bytes), to: precision)
            let (size, scales) = (part.elements.count, part.scales.count)
            #expect(Array(whole.elements[first / 16 * size..<(first / 16 + 1) * size]) == part.elements, "row \(first)")
            #expect(Array(whole.scales[first / 16 * scales..<(first / 16 + 1) * scales]) == part.scales, "row \(first)")
        }
    }

    /// In an int4 block, missing outputs and inputs are 0, and the others are at their documented places.
    @Test func blocks() throws {
        let (outputs, inputs) = (18, 11)
        // Integers with a scale of 1; the largest one of each group comes first.
        let levels = (0..<outputs * inputs).map { index in
            let (output, input) = index.quotientAndRemainder(dividingBy: inputs)
            return output % 4 == 0 && input == 0 ? -8 : (output * 5 + input * 3) % 15 - 7
        }
        let tensor = try stored(.float32, [outputs, inputs], encoded(levels.map { Float($0) }, as: .float32).bytes)
        let (elements, _, _) = try converted(tensor, to: .int4)
        #expect(tensor.layout(in: .int4).shape == [2, 2, 16, 4])
        for output in 0..<32 {
            for input in 0..<16 {
                let byte = elements[((output / 16 * 2 + input / 8) * 16 + output % 16) * 4 + input % 4]
                let level = Int(input % 8 < 4 ? byte & 15 : byte >> 4) - 8
                let expected = output < outputs && input < inputs ? levels[output * inputs + input] : 0
                #expect(level == expected, "\(output), \(input)")
            }
        }
    }

    /// If nothing changes, bytes of any type are passed on unchanged.
    @Test func copies() throws {
        let bytes = (0..<30).map { UInt8($0) }
        for type in [ElementType.int8, .uint8, .bfloat16] {
            let shape = [bytes.count / type.size]
            #expect(try converted(stored(type, shape, bytes, offset: 1), to: nil).elements == bytes)
        }
    }

    /// A reader's footprint equals the memory of its network.
    @Test func footprints() throws {
        var numbers = Numbers(seed: 5)
        let weights = Weights(tensors: [
            "l.weight": try stored(.float32, [4, 130], encoded(numbers.array(520), as: .float32).bytes),
            "l.bias": try stored(.float32, [4], encoded(numbers.array(4), as: .float32).bytes),
        ])
        func footprint(_ precision: WeightEncoding?, _ pool: ThreadPool?) throws -> WeightFootprint {
            let reader = WeightReader(WeightLoading(weights, as: precision, pool))
            let layer = try reader.linear("l", outputs: 4, inputs: 130, minimum: .int4)
            if pool != nil { #expect(layer.weight.bytes == reader.footprint.matrices) }
            return reader.footprint
        }
        for (precision, resident, mapped) in [
            (nil as WeightEncoding?, 0, 2080), (.float32, 0, 2080), (.bfloat16, 1040, 0), (.int8, 520 + 16, 0),
            (.int4, 1088 + 36, 0),
        ] {
            #expect(try footprint(precision, nil) == footprint(precision, pool))
            let counted = try footprint(precision, nil)
            #expect(counted.resident == resident + 16 && counted.mapped == mapped, "\(String(describing: precision))")
        }
    }
}

extension WeightFootprint {
    fileprivate var matrices: Int { convertedMatrices + mappedMatrices }
}
