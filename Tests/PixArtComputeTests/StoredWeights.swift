import Foundation
import PixArtCompute
import PixArtStorage
import TestSupport

/// Reproducible numbers from -1 to 1.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64 = 1) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> Float {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }

    mutating func array(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }

    mutating func matrix(_ rows: Int, _ columns: Int) throws -> Matrix {
        try Matrix(rows: rows, columns: columns, elements: array(rows * columns))
    }
}

/// A stored tensor in a temporary file, whose mapping stays. `offset` places its elements at an odd address.
func stored(_ type: ElementType, _ shape: [Int], _ bytes: [UInt8], offset: Int = 0) throws -> StoredTensor {
    let folder = try ScratchFolder()
    let file = try MappedFile(path: folder.write("weight", [UInt8](repeating: 0, count: offset) + bytes))
    let view = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + bytes.count])
    return StoredTensor(name: "weight", type: type, shape: shape, bytes: view, file: file)
}

/// The bytes of values rounded to a type, and the rounded values.
func encoded(_ values: [Float], as type: ElementType) -> (bytes: [UInt8], values: [Float]) {
    switch type {
    case .float16:
        let halves = values.map { Float16($0) }
        return (
            halves.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }, halves.map { Float($0) }
        )
    case .bfloat16:
        let bits = values.map { UInt16($0.bitPattern >> 16) }
        return (
            bits.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } },
            bits.map { Float(bitPattern: UInt32($0) << 16) }
        )
    default:
        return (values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }, values)
    }
}

/// Weights in memory, by name.
struct Weights: WeightSource {
    var tensors: [String: StoredTensor]
    var location: String { "memory" }
    var names: [String] { Array(tensors.keys) }
    subscript(name: String) -> StoredTensor? { tensors[name] }
}
