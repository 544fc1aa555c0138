/// A single-byte encoding, read leniently, as mojibake requires: every byte is valid.
struct CodePage: Sendable {
    /// Whether U+FFFD, the replacement of a lost byte, is byte 0x1a.
    let isLossy: Bool
    private let upper: [Unicode.Scalar]
    private let bytes: [Unicode.Scalar: UInt8]

    private init(_ upper: [UInt16], isLossy: Bool) {
        self.isLossy = isLossy
        self.upper = upper.map { Unicode.Scalar($0) ?? "\u{fffd}" }
        bytes = Dictionary(uniqueKeysWithValues: zip(self.upper, 0x80...0xff))
    }

    static let latin1 = CodePage(Array(0x80...0xff), isLossy: false)
    static let windows1252 = CodePage(CodePageTable.windows1252, isLossy: true)
    static let windows1251 = CodePage(CodePageTable.windows1251, isLossy: true)
    static let windows1250 = CodePage(CodePageTable.windows1250, isLossy: true)
    static let windows1253 = CodePage(CodePageTable.windows1253, isLossy: true)
    static let windows1254 = CodePage(CodePageTable.windows1254, isLossy: true)
    static let windows1257 = CodePage(CodePageTable.windows1257, isLossy: true)
    static let latin2 = CodePage(CodePageTable.latin2, isLossy: false)
    static let macRoman = CodePage(CodePageTable.macRoman, isLossy: false)
    static let cp437 = CodePage(CodePageTable.cp437, isLossy: false)

    /// The character of a byte of the upper half.
    func scalar(_ byte: UInt8) -> Unicode.Scalar { byte < 0x80 ? Unicode.Scalar(byte) : upper[Int(byte) - 0x80] }

    /// The bytes that would be read as `text`; nil if a character has none.
    func encode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar.isASCII, !(isLossy && scalar == "\u{1a}") {
                out.append(UInt8(scalar.value))
            } else if isLossy, scalar == "\u{fffd}" {
                out.append(0x1a)
            } else if let byte = bytes[scalar] {
                out.append(byte)
            } else {
                return nil
            }
        }
        return out
    }
}
