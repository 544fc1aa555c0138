import Foundation
import PixArtCompute
import Testing

@Suite struct WeightConversionTests {
    private let pool: ThreadPool

    init() throws { pool = try ThreadPool(threads: 2) }

    private func converted(
        _ tensor: StoredTensor, to precision: WeightPrecision
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

    /// Types, shapes and bytes agree with one another.
    @Test(arguments: WeightPrecision.allCases)
    func layouts(_ precision: WeightPrecision) throws {
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

    /// A tensor that is read in several pieces becomes what its rows become four by four.
    @Test(arguments: WeightPrecision.allCases)
    func pieces(_ precision: WeightPrecision) throws {
        var numbers = Numbers(seed: 3)
        let (rows, columns) = (1100, 8192)
        let row = numbers.array(columns)
        let values = (0..<rows).flatMap { index in row.map { $0 * Float(index + 1) } }
        let tensor = try stored(.float32, [rows, columns], encoded(values, as: .float32).bytes)
        let whole = try converted(tensor, to: precision)
        #expect(whole.pieces.count == 3 && whole.pieces.reduce(0, +) == 4 * rows * columns)
        for first in [0, 508, 512, rows - 4] {
            let bytes = encoded(Array(values[first * columns..<(first + 4) * columns]), as: .float32).bytes
            let four = try converted(stored(.float32, [4, columns], bytes), to: precision)
            let (size, scales) = (four.elements.count / 4, four.scales.count)
            #expect(Array(whole.elements[first * size..<(first + 4) * size]) == four.elements, "row \(first)")
            let start = first / 4 * scales
            #expect(Array(whole.scales[start..<start + scales]) == four.scales, "row \(first)")
        }
    }

    /// Where nothing changes, bytes of any type are handed over as they are.
    @Test func copies() throws {
        let bytes = (0..<30).map { UInt8($0) }
        for type in [ElementType.int8, .uint8, .bfloat16] {
            let shape = [bytes.count / type.size]
            #expect(try converted(stored(type, shape, bytes, offset: 1), to: .auto).elements == bytes)
        }
    }

    /// What a reader counts is what its network holds.
    @Test func footprints() throws {
        var numbers = Numbers(seed: 5)
        let weights = Weights(tensors: [
            "l.weight": try stored(.float32, [4, 130], encoded(numbers.array(520), as: .float32).bytes),
            "l.bias": try stored(.float32, [4], encoded(numbers.array(4), as: .float32).bytes),
        ])
        func footprint(_ precision: WeightPrecision, _ pool: ThreadPool?) throws -> WeightFootprint {
            let reader = WeightReader(WeightSupply(weights, precision: precision, pool))
            let layer = try reader.linear("l", outputs: 4, inputs: 130, policy: .int4)
            if pool != nil { #expect(layer.weight.bytes == reader.footprint.matrices) }
            return reader.footprint
        }
        for (precision, resident, mapped) in [
            (WeightPrecision.auto, 0, 2080), (.float32, 0, 2080), (.bfloat16, 1040, 0), (.int8, 520 + 16, 0),
            (.int4, 272 + 36, 0),
        ] {
            #expect(try footprint(precision, nil) == footprint(precision, pool))
            let counted = try footprint(precision, nil)
            #expect(counted.resident == resident + 16 && counted.mapped == mapped, "\(precision)")
        }
    }
}

extension WeightFootprint {
    fileprivate var matrices: Int { convertedMatrices + mappedMatrices }
}
