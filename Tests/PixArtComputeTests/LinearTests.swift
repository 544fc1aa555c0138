import PixArtCompute
import PixArtStorage
import TestSupport
import Testing

/// Linear layers against a naive implementation in double precision.
@Suite struct LinearTests {
    private let pool = try! ThreadPool(threads: 2)

    private func layer(
        _ type: ElementType, outputs: Int, inputs: Int, offset: Int = 0
    ) throws -> (Linear, weights: [Float], bias: [Float]) {
        var numbers = Numbers(seed: 7)
        let (bytes, values) = encoded(numbers.array(outputs * inputs), as: type)
        let bias = numbers.array(outputs)
        let biasBytes = encoded(bias, as: .float32).bytes
        let reader = WeightReader(
            Weights(tensors: [
                "l.weight": try stored(type, [outputs, inputs], bytes, offset: offset),
                "l.bias": try stored(.float32, [outputs], biasBytes),
            ]))
        return (try reader.linear("l", outputs: outputs, inputs: inputs), values, bias)
    }

    private func naive(_ x: Matrix, _ weights: [Float], _ bias: [Float]) -> [Double] {
        (0..<x.rows).flatMap { row in
            bias.indices.map { output in
                (0..<x.columns).reduce(Double(bias[output])) { sum, input in
                    sum + Double(x[row, input]) * Double(weights[output * x.columns + input])
                }
            }
        }
    }

    /// Few rows are split by outputs and many by rows; both with incomplete tiles.
    @Test(arguments: [ElementType.float32, .float16, .bfloat16], [1, 20, 300])
    func gemm(_ type: ElementType, _ rows: Int) throws {
        let (linear, weights, bias) = try layer(type, outputs: 149, inputs: 67)
        var numbers = Numbers(seed: 3)
        let x = try numbers.matrix(rows, 67)
        let output = try Matrix(rows: rows, columns: 149)
        try linear(x, into: output, pool)
        #expect(relativeError(output.elements, naive(x, weights, bias)) < 3e-7)
    }

    @Test(arguments: [5, 300])
    func gelu(_ rows: Int) throws {
        let (linear, weights, bias) = try layer(.float32, outputs: 40, inputs: 16)
        var numbers = Numbers(seed: 4)
        let x = try numbers.matrix(rows, 16)
        let output = try Matrix(rows: rows, columns: 40)
        try linear(x, into: output, pool, epilogue: .gelu)
        #expect(relativeError(output.elements, naive(x, weights, bias).map(naiveGELU)) < 1e-6)
    }

    @Test(arguments: [5, 300])
    func gatedAccumulation(_ rows: Int) throws {
        let (linear, weights, bias) = try layer(.bfloat16, outputs: 40, inputs: 16)
        var numbers = Numbers(seed: 5)
        let (x, output, gate) = (try numbers.matrix(rows, 16), try numbers.matrix(rows, 40), numbers.array(40))
        let expected = zip(output.elements, naive(x, weights, bias)).enumerated().map { index, pair in
            Double(pair.0) + Double(gate[index % 40]) * pair.1
        }
        try linear(x, into: output, pool, epilogue: .accumulate(gate: gate))
        #expect(relativeError(output.elements, expected) < 3e-7)
    }

    /// Views with gaps between rows on both sides, such as those of a fused projection.
    @Test func strides() throws {
        let (linear, weights, bias) = try layer(.float32, outputs: 24, inputs: 16)
        var numbers = Numbers(seed: 6)
        let (wide, target) = (try numbers.matrix(9, 40), try numbers.matrix(9, 100))
        let x = wide.columns(10..<26)
        let untouched = target.columns(0..<50).elements
        try linear(x, into: target.columns(50..<74), pool)
        #expect(relativeError(target.columns(50..<74).elements, naive(x, weights, bias)) < 3e-7)
        #expect(target.columns(0..<50).elements == untouched)
    }

    /// A file may have elements at any address.
    @Test(arguments: [ElementType.float32, .float16])
    func oddAddress(_ type: ElementType) throws {
        let (linear, weights, bias) = try layer(type, outputs: 12, inputs: 10, offset: 1)
        var numbers = Numbers()
        let x = try numbers.matrix(2, 10)
        let output = try Matrix(rows: 2, columns: 12)
        try linear(x, into: output, pool)
        #expect(relativeError(output.elements, naive(x, weights, bias)) < 3e-7)
    }

    /// Every float16 number, including subnormals, infinities and NaNs.
    @Test func wideningFloat16() throws {
        let bits = (UInt16.min...UInt16.max).map { $0 }
        let bytes = bits.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
        let widened = try Tensor(stored(.float16, [65536], bytes)).floats
        for (bits, value) in zip(bits, widened) {
            let expected = Float(Float16(bitPattern: bits))
            #expect(expected.isNaN ? value.isNaN : value.bitPattern == expected.bitPattern)
        }
    }

    @Test func errorsNameTheTensor() throws {
        let tensor = try stored(.float32, [2, 3], encoded([0, 1, 2, 3, 4, 5], as: .float32).bytes)
        let bytes = try stored(.uint8, [2], [1, 2])
        let reader = WeightReader(Weights(tensors: ["a": tensor, "b": bytes]))
        func message(_ body: () throws(PixArtError) -> Void) -> String {
            do { try body() } catch { return error.message }
            return ""
        }
        #expect(
            message { () throws(PixArtError) in _ = try reader.floats("c", [1]) }
                == "memory: tensor \"c\" is missing; expected one of that name")
        #expect(
            message { () throws(PixArtError) in _ = try reader.matrix("a", outputs: 3, inputs: 2) }
                == "memory: tensor \"a\" has shape [2, 3]; expected [3, 2]")
        #expect(
            message { () throws(PixArtError) in _ = try reader.floats("b", [2]) }
                == "memory: tensor \"b\" has type U8; expected F32, F16 or BF16")
    }

    @Test func tensorsOfOthers() throws {
        let tensor = try stored(.float32, [1], encoded([0], as: .float32).bytes)
        let weights = Weights(tensors: ["a": tensor, "b.old": tensor, "c": tensor])
        func message(_ rules: UnusedTensors, _ unexpected: UnexpectedTensors = .error) -> (String, [String]) {
            let reader = WeightReader(WeightLoading(weights, unexpected: unexpected))
            reader.begin(rules)
            do { try reader.finish() } catch { return (error.message, []) }
            return ("", reader.ignored.map(\.name))
        }
        let known: [UnusedTensors.Rule] = [.init("*.old", "old"), .init("a", "first")]
        #expect(
            message(UnusedTensors("net", harmless: known)).0
                == "memory: tensor \"c\" is not part of net; expected none such, or the option \"unexpected_tensors\" to be "
                + "\"ignore\"")
        #expect(message(UnusedTensors("net")).0.hasPrefix("memory: tensor \"a\" and 2 more are not part of net"))
        #expect(message(UnusedTensors("net", harmless: known), .ignore) == ("", ["a", "b.old", "c"]))
        let foreign = UnusedTensors("net", harmless: known, foreign: [.init("b*", "another")])
        #expect(message(foreign, .ignore).0 == "memory: tensor \"b.old\" says that this is another; expected net")
    }

    @Test(
        arguments: [
            ("a.b", "a.b", true), ("a.b", "a.b.c", false), ("a.*", "a.", true), ("a.*", "a", false),
            ("*.b", "x.a.b", true),
            ("*.b", "b", false), ("a*b*c", "a1b2b3c", true), ("a*b*c", "a1c", false), ("*", "", true), ("", "", true),
            ("", "a", false), ("*ab", "aaab", true), ("**a", "ba", true), ("a*", "b", false),
        ] as [(TensorPattern, String, Bool)])
    func patterns(_ pattern: TensorPattern, _ name: String, _ matches: Bool) {
        #expect(pattern.matches(name) == matches)
    }
}
