import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Weights that other programs store in 8 bits or fewer, in a multiplication in int8.
@Suite struct RoundedWeightTests {
    private static let encodings: [WeightEncoding] = [
        .float8E4M3, .float8E5M2, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2K, .q3K, .q4K, .q5K, .q6K, .iq4NL, .iq4XS,
    ]

    /// Bytes of a tensor that have no infinities and no NaN as float16, whatever is read as one, and as eight-bit floats.
    private func bytes(_ count: Int) -> [UInt8] {
        var numbers = Numbers(seed: UInt64(count))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: Int(numbers.next() * 1000)) & 0xbb }
    }

    private func reader(
        _ stored: StoredTensor, keepsRounded: Bool, _ pool: ThreadPool
    ) -> WeightReader {
        WeightReader(WeightLoading(Weights(tensors: ["w.weight": stored]), as: .int8, keepsRounded: keepsRounded, pool))
    }

    /// They stay in the file, and are multiplied as the same bits as if they were converted when they are opened.
    @Test(arguments: Kernels.available, encodings)
    func stayInTheFile(_ instructions: String, _ encoding: WeightEncoding) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let block = max(encoding.layout.block.inputs, 32)
        for inputs in [block, 3 * 256, 11 * block] {
            let type = encoding.layout.type
            let (outputs, rows) = (37, 3)
            let weight = try stored(type, [outputs, inputs], bytes(type.bytes(of: [outputs, inputs])!), offset: 1)
            var numbers = Numbers(seed: 2)
            let x = try ActivationRows(rows: rows, columns: inputs, encoding: pool.encoding(for: .int8))
            try ActivationRows(numbers.matrix(rows, inputs)).store(into: x, pool)
            var results: [[Float]] = []
            for (keepsRounded, held) in [(true, encoding), (false, .int8)] {
                let reader = reader(weight, keepsRounded: keepsRounded, pool)
                let layer = try reader.linear("w", outputs: outputs, inputs: inputs, bias: false, minimum: .int8)
                #expect(layer.weight.encoding == held && layer.weight.isMapped == keepsRounded)
                #expect(reader.plannedEncodings[Name("w.weight")] == held)
                #expect((reader.footprint.convertedMatrices == 0) == keepsRounded)
                let output = try Matrix(rows: rows, columns: outputs)
                try layer(x, into: ActivationRows(output), pool)
                results.append(output.elements)
            }
            #expect(results[0].map(\.bitPattern) == results[1].map(\.bitPattern), "\(inputs) inputs")
            #expect(results[0].contains { $0 != 0 } && results[0].allSatisfy(\.isFinite))
        }
    }

    /// Weights of 16 and 32 bits are converted, whatever stays.
    @Test func wideWeightsAreConverted() throws {
        let pool = try ThreadPool(threads: 1)
        for type in [ElementType.float32, .float16, .bfloat16] {
            let weight = try stored(type, [4, 64], encoded([Float](repeating: 0.5, count: 256), as: type).bytes)
            let matrix = try reader(weight, keepsRounded: true, pool).matrix(
                "w.weight", outputs: 4, inputs: 64, minimum: .int8)
            #expect(matrix.encoding == .int8)
        }
    }
}
