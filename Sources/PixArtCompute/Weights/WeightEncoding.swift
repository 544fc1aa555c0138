import CKernels
import PixArtStorage

/// The encoding of a weight, in a file and in memory: plain elements, or quantized with scales.
///
/// A new block format is a case, its layout, and its kernels in `WeightMatrix`, `WeightPacking` and
/// `WeightQuantization`.
package enum WeightEncoding: String, CaseIterable, Sendable {
    case float32
    case float16
    case bfloat16
    /// With a scale for each output.
    case int8
    /// Two elements per byte, with a scale for each group of 4 outputs and 16 inputs. Eight consecutive inputs lie
    /// in 4 bytes, the first four in the low halves; these runs lie side by side for 16 outputs. Missing elements
    /// are 0.
    case int4

    // What other programs store. Nothing is converted to these; they are widened exactly.

    case float8E4M3, float8E5M2
    /// With a scale for each output.
    case scaledFloat8E4M3, scaledFloat8E5M2
    /// Four-bit codes of bitsandbytes, with a scale for each 64 inputs of an output.
    case normalFloat4, floatingPoint4
    /// Blocks of GGUF, with scales inside.
    case q4_0, q4_1, q5_0, q5_1, q8_0, q2K, q3K, q4K, q5K, q6K, iq4NL, iq4XS

    /// Encodings that weights are converted to.
    package static let targets: [WeightEncoding] = [.float32, .bfloat16, .int8, .int4]

    /// The layout of an encoding.
    package struct Layout: Sendable {
        /// Element type in a file.
        package let type: ElementType
        /// Outputs and inputs of a block. The inputs of each output lie in `runBytes`, and the runs of a block
        /// are adjacent.
        package let block: (outputs: Int, inputs: Int)
        package let runBytes: Int
        /// Outputs and inputs that share a float32 scale; inputs nil means all. No scales if the group is nil.
        package let group: (outputs: Int, inputs: Int?)?

        /// Whether a block is a single element.
        var isPlain: Bool { block == (1, 1) }
    }

    package var layout: Layout {
        switch self {
        case .float32: Layout(type: .float32, block: (1, 1), runBytes: 4, group: nil)
        case .float16: Layout(type: .float16, block: (1, 1), runBytes: 2, group: nil)
        case .bfloat16: Layout(type: .bfloat16, block: (1, 1), runBytes: 2, group: nil)
        case .int8: Layout(type: .int8, block: (1, 1), runBytes: 1, group: (1, nil))
        case .int4: Layout(type: .uint8, block: (16, 8), runBytes: 4, group: (4, 16))
        case .float8E4M3: Self.rows(.float8E4M3)
        case .float8E5M2: Self.rows(.float8E5M2)
        case .scaledFloat8E4M3: Self.rows(.scaledFloat8E4M3, group: (1, nil))
        case .scaledFloat8E5M2: Self.rows(.scaledFloat8E5M2, group: (1, nil))
        case .normalFloat4: Self.rows(.normalFloat4, group: (1, 64))
        case .floatingPoint4: Self.rows(.floatingPoint4, group: (1, 64))
        case .q4_0: Self.rows(.q4_0)
        case .q4_1: Self.rows(.q4_1)
        case .q5_0: Self.rows(.q5_0)
        case .q5_1: Self.rows(.q5_1)
        case .q8_0: Self.rows(.q8_0)
        case .q2K: Self.rows(.q2K)
        case .q3K: Self.rows(.q3K)
        case .q4K: Self.rows(.q4K)
        case .q5K: Self.rows(.q5K)
        case .q6K: Self.rows(.q6K)
        case .iq4NL: Self.rows(.iq4NL)
        case .iq4XS: Self.rows(.iq4XS)
        }
    }

    /// Blocks that each lie in one row.
    private static func rows(_ type: ElementType, group: (outputs: Int, inputs: Int?)? = nil) -> Layout {
        Layout(type: type, block: (1, type.block.elements), runBytes: type.block.bytes, group: group)
    }

    /// Whether these are integers that are multiplied as such, and never widened to be converted.
    package var isQuantized: Bool { self == .int8 || self == .int4 }

    /// Whether elements have fewer bits than half a float32.
    var isRounded: Bool { bits < 16 }

    /// Bits of an element, without scales.
    private var bits: Int { 8 * layout.runBytes / layout.block.inputs }

    /// Bytes that its elements are aligned to. Loops that widen blocks read at any address.
    var alignment: Int { blockFormat == nil ? layout.type.size : 1 }

    /// The loop that widens it, of those that other programs store; nil for the others.
    var blockFormat: block_format? {
        switch self {
        case .float32, .float16, .bfloat16, .int8, .int4: nil
        case .float8E4M3, .scaledFloat8E4M3: BLOCK_FLOAT8_E4M3
        case .float8E5M2, .scaledFloat8E5M2: BLOCK_FLOAT8_E5M2
        case .normalFloat4: BLOCK_NORMAL_FLOAT4
        case .floatingPoint4: BLOCK_FLOATING_POINT4
        case .q4_0: BLOCK_Q4_0
        case .q4_1: BLOCK_Q4_1
        case .q5_0: BLOCK_Q5_0
        case .q5_1: BLOCK_Q5_1
        case .q8_0: BLOCK_Q8_0
        case .q2K: BLOCK_Q2_K
        case .q3K: BLOCK_Q3_K
        case .q4K: BLOCK_Q4_K
        case .q5K: BLOCK_Q5_K
        case .q6K: BLOCK_Q6_K
        case .iq4NL: BLOCK_IQ4_NL
        case .iq4XS: BLOCK_IQ4_XS
        }
    }

    // MARK: In files

    /// The encoding of a stored tensor, from its element type and shape; nil if it is no weight.
    package init?(_ stored: StoredTensor) {
        guard let encoding = Self.allCases.first(where: { $0.layout.type == stored.type && $0.hasBlocks(stored.shape) })
        else { return nil }
        self = encoding
    }

    /// The first encoding with this element type, whatever its blocks; nil if there is none.
    init?(elements type: ElementType) {
        guard let encoding = Self.allCases.first(where: { $0.layout.type == type }) else { return nil }
        self = encoding
    }

    private func hasBlocks(_ shape: [Int]) -> Bool {
        layout.block.outputs == 1
            || shape.count == 4 && shape.suffix(2) == [layout.block.outputs, layout.runBytes / layout.type.size]
    }

    // MARK: Sizes

    /// Shape of the elements.
    package func shape(outputs: Int, inputs: Int) -> [Int] {
        let layout = layout
        guard layout.block.outputs > 1 else { return [outputs, inputs] }
        return [
            (outputs + layout.block.outputs - 1) / layout.block.outputs,
            (inputs + layout.block.inputs - 1) / layout.block.inputs,
            layout.block.outputs, layout.runBytes / layout.type.size,
        ]
    }

    /// Shape of the scales; empty if there are none.
    package func scaleShape(outputs: Int, inputs: Int) -> [Int] {
        guard let group = layout.group else { return [] }
        let rows = (outputs + group.outputs - 1) / group.outputs
        return group.inputs.map { [rows, (inputs + $0 - 1) / $0] } ?? [rows]
    }

    /// Bytes of a matrix with its scales.
    package func bytes(outputs: Int, inputs: Int) -> Int {
        elementBytes(outputs: outputs, inputs: inputs) + scaleBytes(outputs: outputs, inputs: inputs)
    }

    func elementBytes(outputs: Int, inputs: Int) -> Int {
        let elements = shape(outputs: outputs, inputs: inputs).reduce(1, *)
        return elements / layout.type.block.elements * layout.type.size
    }

    func scaleBytes(outputs: Int, inputs: Int) -> Int {
        layout.group == nil ? 0 : 4 * scaleShape(outputs: outputs, inputs: inputs).reduce(1, *)
    }

    /// Offset in bytes of a column in a matrix with `inputs` inputs. The column starts a run.
    func offset(_ output: Int, _ column: Int, inputs: Int) -> Int {
        let layout = layout
        guard !layout.isPlain else { return layout.runBytes * (output * inputs + column) }
        let runs = (inputs + layout.block.inputs - 1) / layout.block.inputs
        let run = output / layout.block.outputs * runs + column / layout.block.inputs
        return (run * layout.block.outputs + output % layout.block.outputs) * layout.runBytes
    }

    // MARK: What is asked for

    /// The encoding that a weight stored in this one is held in if `requested` is asked for. nil means as stored.
    /// Never below `minimum`. Opening, estimating and converting all call this.
    package func held(as requested: WeightEncoding?, minimum: WeightEncoding) -> WeightEncoding {
        guard let requested else { return self }
        let target = requested.bits < minimum.bits ? minimum : requested
        // What is narrower is widened exactly when it is multiplied: a wider copy would cost memory and change no number.
        return target == .float32 && requested != .float32 && !isQuantized ? self : target
    }
}

extension WeightSource {
    /// The lowest encoding of quantized weights in the source; nil if all are floating point. Tensors of
    /// unsupported types are refused when a network reads them.
    package var quantization: WeightEncoding? {
        var found: Set<WeightEncoding> = []
        for name in names {
            if let stored = try? self[name], let encoding = WeightEncoding(stored) { found.insert(encoding) }
        }
        return WeightEncoding.allCases.last { $0.isQuantized && found.contains($0) }
    }
}
