/// Bytes of a valid or invalid safetensors file.
struct HostileFile {
    /// A header with its size, and `data` zero bytes of tensors.
    static func bytes(_ header: String, data: Int = 0) -> [UInt8] {
        bytes(Array(header.utf8), data: data)
    }

    static func bytes(_ header: [UInt8], data: Int = 0) -> [UInt8] {
        size(UInt64(header.count)) + header + [UInt8](repeating: 0, count: data)
    }

    static func size(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    /// The entry of one tensor.
    static func entry(_ type: String = "F32", _ shape: String = "[1]", _ offsets: String = "[0,4]") -> String {
        #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    let name: String
    let bytes: [UInt8]
    /// Texts that the message must contain.
    let parts: [String]

    /// A header of one tensor, "w", in 4 bytes.
    static func one(_ name: String, _ entry: String, data: Int = 4, _ parts: String...) -> HostileFile {
        HostileFile(name: name, bytes: bytes("{\"w\":\(entry)}", data: data), parts: ["tensor \"w\""] + parts)
    }

    static func file(_ name: String, _ bytes: [UInt8], _ parts: String...) -> HostileFile {
        HostileFile(name: name, bytes: bytes, parts: parts)
    }

    /// Every invalid file that the reader distinguishes. All of them are `PIXART_ERROR_FORMAT`.
    static let all: [HostileFile] = frames + headers + entries + layouts

    private static let frames: [HostileFile] = [
        file("empty", [], "0 bytes"),
        file("seven bytes", [1, 0, 0, 0, 0, 0, 0], "7 bytes"),
        file("no header", size(0), "header of 0 bytes"),
        file("size alone", size(2), "truncated", "0 bytes", "expected 2"),
        file("truncated header", Array(bytes("{\"w\":\(entry())}").prefix(20)), "truncated", "12 bytes"),
        file("oversized header", size(100_000_001) + [0x7B, 0x7D], "100000001"),
        file("header of 2^63", size(1 << 63) + [0x7B, 0x7D], "9223372036854775808"),
        file("header of 2^64 - 1", size(.max) + [0x7B, 0x7D], "18446744073709551615"),
        file("pickle", [0x80, 2, 0x7D, 0x71, 0, 0x58, 0, 0, 0, 0], "is a Python pickle"),
        file("zip", Array("PK\u{3}\u{4}aaaaaaaaaaaaaaaa".utf8), "is a ZIP archive"),
    ]

    private static let headers: [HostileFile] = [
        file("blank first", bytes(" {}"), "starts with another byte"),
        file("array", bytes("[]"), "starts with another byte"),
        file("broken JSON", bytes("{\"w\":"), "header", "not JSON", "byte"),
        file("garbage after the JSON", bytes("{} x"), "header", "byte 3"),
        file("NUL after the JSON", bytes("{}\0"), "header", "byte 2"),
        file("invalid UTF-8", bytes(Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8)), "header", "UTF-8", "byte 2"),
        file("deep nesting", bytes("{\"w\":" + String(repeating: "[", count: 100_000)), "header", "nesting"),
        file("one name twice", bytes("{\"w\":\(entry()),\"w\":\(entry())}", data: 4), "\"w\"", "twice"),
        file("one name twice, escaped", bytes("{\"w\":\(entry()),\"\\u0077\":\(entry())}", data: 4), "\"w\"", "twice"),
        file("name with NUL", bytes("{\"w\\u0000\":\(entry())}", data: 4), "NUL"),
        file("metadata twice", bytes(#"{"__metadata__":{},"__metadata__":{}}"#), "__metadata__", "twice"),
        file("metadata is a string", bytes(#"{"__metadata__":"x"}"#), "__metadata__", "a string", "an object"),
        file(
            "metadata of numbers", bytes(#"{"__metadata__":{"k":1}}"#), "__metadata__", "\"k\"", "an integer",
            "a string"),
    ]

    private static let entries: [HostileFile] = [
        one("entry is a number", "1", "an integer", "expected an object"),
        one("empty entry", "{}", "dtype is missing"),
        one("unknown key", #"{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}"#, "\"stride\""),
        one("key twice", #"{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}"#).about(
            "\"dtype\"", "twice"),
        one("dtype is a number", #"{"dtype":1,"shape":[1],"data_offsets":[0,4]}"#, "dtype is an integer"),
        one("no shape", #"{"dtype":"F32","data_offsets":[0,4]}"#, "shape is missing"),
        one("no offsets", #"{"dtype":"F32","shape":[1]}"#, "data_offsets is missing"),
        one("shape is a number", entry("F32", "1"), "shape is an integer"),
        one("negative dimension", entry("F32", "[-1]"), "shape", "-1"),
        one("two negative dimensions", entry("F32", "[-1,-1]"), "shape", "-1"),
        one("dimension with fraction", entry("F32", "[1.0]"), "shape", "1.0"),
        one("dimension as text", entry("F32", "[\"1\"]"), "shape", "\"1\""),
        one("dimension NaN", entry("F32", "[NaN]"), "shape", "NaN"),
        one("dimension of 2^63", entry("F32", "[9223372036854775808]"), "shape", "9223372036854775808"),
        one("dimension of 2^64 + 1", entry("F32", "[18446744073709551617]"), "shape"),
        one("shape overflows", entry("F32", "[4294967296,4294967296]"), "4294967296", "counted"),
        one("shape overflows to 4 bytes", entry("F32", "[4611686018427387905]"), "4611686018427387905", "counted"),
        one("shape overflows before its 0", entry("F32", "[4294967296,4294967296,0]", "[0,0]"), data: 0, "counted"),
        one("one offset", entry("F32", "[1]", "[0]"), "data_offsets", "1 elements"),
        one("three offsets", entry("F32", "[1]", "[0,4,4]"), "data_offsets", "3 elements"),
        one("negative offset", entry("F32", "[1]", "[-4,0]"), "data_offsets", "-4"),
        one("offset with fraction", entry("F32", "[1]", "[0,4.5]"), "data_offsets", "4.5"),
        one("offset -Infinity", entry("F32", "[1]", "[-Infinity,4]"), "data_offsets", "-Infinity"),
        one("reversed offsets", entry("F32", "[1]", "[4,0]"), "data_offsets", "reversed"),
        one("offsets beyond the file", entry("F32", "[2]", "[0,8]"), "beyond the file", "4 bytes"),
        one(
            "offsets at the end of the world", entry("F32", "[1]", "[9223372036854775803,9223372036854775807]"),
            "beyond"),
        one("truncated data", entry("F32", "[1]"), data: 3, "beyond the file", "3 bytes"),
        one("shape says more", entry("F32", "[2]"), "[2]", "4 bytes", "takes 8"),
        one("shape says less", entry("F16", "[1]"), "[1]", "4 bytes", "takes 2"),
        one("scalar of no bytes", entry("F32", "[]", "[0,0]"), data: 0, "0 bytes", "takes 4"),
        one("size of a type that is not computed with", entry("I64", "[1]"), "I64", "takes 8"),
    ]

    private static let layouts: [HostileFile] = [
        file(
            "overlap", bytes("{\"a\":\(entry("U8", "[3]", "[0,3]")),\"b\":\(entry("U8", "[2]", "[2,4]"))}", data: 4),
            "\"a\"", "\"b\"", "overlap"),
        file("same bytes", bytes("{\"a\":\(entry()),\"b\":\(entry())}", data: 4), "\"a\"", "\"b\"", "overlap"),
        file(
            "one within the other", bytes("{\"b\":\(entry("U8", "[1]", "[1,2]")),\"a\":\(entry())}", data: 4),
            "\"a\"", "\"b\"", "overlap"),
        file("hole at the start", bytes("{\"w\":\(entry("F32", "[1]", "[4,8]"))}", data: 8), "\"w\"", "no tensor"),
        file(
            "hole between", bytes("{\"a\":\(entry()),\"b\":\(entry("F32", "[1]", "[8,12]"))}", data: 12), "\"b\"",
            "no tensor"),
        file("bytes at the end", bytes("{\"w\":\(entry())}", data: 5), "at the end", "no tensor"),
        file("bytes without tensors", bytes("{}", data: 1), "at the end", "no tensor"),
        file("empty tensor in a hole", bytes("{\"w\":\(entry("F32", "[0]", "[4,4]"))}", data: 4), "\"w\"", "no tensor"),
        file("unknown type over another", bytes("{\"a\":\(entry("X9", "[7]")),\"b\":\(entry())}", data: 4), "overlap"),
    ]

    /// The same file, with another expected message.
    private func about(_ parts: String...) -> HostileFile { HostileFile(name: name, bytes: bytes, parts: parts) }
}
