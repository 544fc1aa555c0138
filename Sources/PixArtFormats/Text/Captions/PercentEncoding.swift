/// Percent-encoding as in HTML forms.
package enum PercentEncoding {
    /// Python's `urllib.parse.unquote_plus`: plus signs become spaces, and `%41` becomes `A`.
    ///
    /// The bytes of each stretch of ASCII are decoded as UTF-8 separately, with U+FFFD for malformed bytes.
    package static func decode(_ text: String) -> String {
        var out = ""
        var rest = Substring(text).utf8
        while !rest.isEmpty {
            let ascii = rest.prefix { $0 < 0x80 }
            out += String(decoding: unquoted(Array(ascii)), as: UTF8.self)
            rest = rest[ascii.endIndex...]
            let other = rest.prefix { $0 >= 0x80 }
            out += String(Substring(other))
            rest = rest[other.endIndex...]
        }
        return out
    }

    private static func unquoted(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = nibble(bytes[index + 1]), let low = nibble(bytes[index + 2])
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return out
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
