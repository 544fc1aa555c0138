/// What the bytes of a stored tensor are: single elements, or blocks of elements of a row with their scales.
///
/// Names are those of safetensors for elements, and those of GGUF for its blocks.
package enum ElementType: String, CaseIterable, Sendable {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    /// 4 bits of exponent, 3 of fraction, no infinities: PyTorch's float8_e4m3fn.
    case float8E4M3 = "F8_E4M3"
    case float8E5M2 = "F8_E5M2"
    case int8 = "I8"
    case uint8 = "U8"

    // Elements that need float32 scales, which are a tensor of their own, `<name>_scale`. No file names these types;
    // a `WeightSource` gives them if the tensors of the file say so.

    /// With a scale for each row.
    case scaledFloat8E4M3 = "F8_E4M3 with scales"
    case scaledFloat8E5M2 = "F8_E5M2 with scales"
    /// Two elements a byte, the first one in the high half, with a scale for each 64 elements of a row: bitsandbytes.
    case normalFloat4 = "NF4"
    case floatingPoint4 = "FP4"

    // Blocks of GGUF.

    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q8_0 = "Q8_0"
    case q2K = "Q2_K"
    case q3K = "Q3_K"
    case q4K = "Q4_K"
    case q5K = "Q5_K"
    case q6K = "Q6_K"
    case iq4NL = "IQ4_NL"
    case iq4XS = "IQ4_XS"

    /// Elements of a block, which lie in one row, and its bytes.
    package var block: (elements: Int, bytes: Int) {
        switch self {
        case .float32: (1, 4)
        case .float16, .bfloat16: (1, 2)
        case .float8E4M3, .float8E5M2, .scaledFloat8E4M3, .scaledFloat8E5M2, .int8, .uint8: (1, 1)
        case .normalFloat4, .floatingPoint4: (64, 32)
        case .q4_0, .iq4NL: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .q2K: (256, 84)
        case .q3K: (256, 110)
        case .q4K: (256, 144)
        case .q5K: (256, 176)
        case .q6K: (256, 210)
        case .iq4XS: (256, 136)
        }
    }

    /// Types of safetensors files.
    package static let safetensors: [ElementType] = [
        .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2, .int8, .uint8,
    ]

    /// Bytes of one element, or of one block.
    package var size: Int { block.bytes }

    /// Bytes of a tensor whose rows, its last dimension, are whole blocks. nil if rows are not, if a dimension is
    /// negative, or if the bytes cannot be counted.
    package func bytes(of shape: [Int]) -> Int? {
        guard let count = shape.elementCount, (shape.last ?? 1) % block.elements == 0 else { return nil }
        let (bytes, overflow) = (count / block.elements).multipliedReportingOverflow(by: block.bytes)
        return overflow ? nil : bytes
    }
}
