/// UTF-8 and two variants that programs write by mistake: CESU-8, which encodes surrogate pairs, and Java's, which
/// encodes U+0000 as C0 80. This is ftfy's "utf-8-variants" codec.
enum LenientUTF8 {
    /// The text of `bytes`; nil if they are malformed.
    static func decode(_ bytes: [UInt8]) -> String? {
        var out = ""
        var start = 0
        var index = 0
        while index < bytes.count {
            guard let special = special(bytes, at: index) else {
                index += 1
                continue
            }
            guard let before = String(validating: bytes[start..<index], as: UTF8.self) else { return nil }
            out += before
            out.unicodeScalars.append(special.scalar)
            index += special.count
            start = index
        }
        return String(validating: bytes[start...], as: UTF8.self).map { out + $0 }
    }

    /// A sequence that plain UTF-8 lacks. ftfy finds these by regular expressions whose `$` also matches before a
    /// final newline, so that newline may replace a last byte.
    private static func special(_ bytes: [UInt8], at index: Int) -> (scalar: Unicode.Scalar, count: Int)? {
        let left = bytes.count - index
        func byte(_ offset: Int, in range: ClosedRange<UInt8>) -> Bool {
            offset < left && range.contains(bytes[index + offset])
        }
        func isLastNewline(_ offset: Int) -> Bool { offset == left - 1 && bytes[index + offset] == 0x0a }
        if bytes[index] == 0xc0, byte(1, in: 0x80...0x80) || isLastNewline(1) { return ("\0", 2) }
        guard bytes[index] == 0xed, byte(1, in: 0xa0...0xaf), byte(2, in: 0x80...0xbf), byte(3, in: 0xed...0xed),
            byte(4, in: 0xb0...0xbf), byte(5, in: 0x80...0xbf) || isLastNewline(5)
        else { return nil }
        let high = UInt32(bytes[index + 1] & 0x0f) << 16 | UInt32(bytes[index + 2] & 0x3f) << 10
        let low = UInt32(bytes[index + 4] & 0x0f) << 6 | UInt32(bytes[index + 5] & 0x3f)
        return Unicode.Scalar(high + low + 0x1_0000).map { ($0, 6) }
    }
}
