import CLibraries
import Glibc
import PixArtStorage

/// Repairs text as `ftfy.fix_text` of ftfy 6.3.1 does with its default settings: line by line, until a line no longer
/// changes.
package enum TextRepair {
    private static let longestSegment = 1_000_000

    /// Fails with `.memory`. Fails with `.argument` for nesting beyond `RepairBudget`.
    package static func repaired(_ text: String) throws(PixArtError) -> String {
        var budget = RepairBudget(for: text)
        return try repaired(text, &budget)
    }

    static func repaired(_ text: String, _ budget: inout RepairBudget) throws(PixArtError) -> String {
        var out = ""
        var unescapes = true
        for segment in segments(text) {
            // Text with a tag in it is HTML: its references are correct, and so are those of the text
            // after it.
            if segment.utf8.contains(UInt8(ascii: "<")) { unescapes = false }
            out += try repaired(segment: segment, unescapes: unescapes, &budget)
        }
        return out
    }

    private static func repaired(
        segment: String, unescapes: Bool, _ budget: inout RepairBudget
    ) throws(PixArtError) -> String {
        var text = segment
        while true {
            try budget.pay(for: text)
            let before = text
            if unescapes { text = try unescaped(text) }
            text = try EncodingRepair.repaired(text, &budget)
            text = EncodingRepair.replacingControls(text)
            text = try withCommonForms(text)
            text = withUnixLines(text)
            text = try terminalEscape.replacing(text, with: "")
            text = withoutControls(text)
            text = try composed(text)
            if text.isIdentical(to: before) { return text }
        }
    }

    /// Lines with their ends, none longer than `longestSegment` code points.
    private static func segments(_ text: String) -> [String] {
        var segments: [String] = []
        var segment = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            segment.append(scalar)
            count += 1
            if scalar == "\n" || count == longestSegment {
                segments.append(String(segment))
                segment = String.UnicodeScalarView()
                count = 0
            }
        }
        return count > 0 ? segments + [String(segment)] : segments
    }

    // MARK: References

    private static let reference = RegularExpression("&#?[0-9A-Za-z]{1,24};")

    /// An ampersand that was escaped many times. Each pass removes one level; only the last one matters.
    private static let manyAmpersands = RegularExpression("&\(escapedAgain){8,}(?=\(escapedAgain))")
    private static let escapedAgain = "(?:amp;|AMP;|#0{0,22}38;|#[xX]0{0,21}26;)"

    /// Decodes the references that end in a semicolon, including those in capitals such as "&EACUTE;".
    static func unescaped(_ text: String) throws(PixArtError) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        return try reference.replacing(manyAmpersands.replacing(text, with: "&")) { match in
            let reference = String(decoding: match, as: UTF8.self)
            let name = String(reference.dropFirst().dropLast())
            if name.hasPrefix("#") {
                let value = HTMLReferences.unescape(reference)
                return value.utf8.contains(UInt8(ascii: ";")) ? reference : value
            }
            return HTMLReferences.named(name) ?? capital(name) ?? reference
        }
    }

    /// The capital letter of a small letter's name, if all of the name is in capitals.
    private static func capital(_ name: String) -> String? {
        let small = PythonText.lowercased(name)
        guard !name.utf8.contains(where: { (97...122).contains($0) }), HTMLReferences.isUnknown(name),
            let value = HTMLReferences.named(small)
        else { return nil }
        return value.unicodeScalars.map(\.properties.uppercaseMapping).joined()
    }

    // MARK: Characters

    /// Splits Latin ligatures, replaces half-width and full-width characters by the usual ones, and straightens
    /// quotes.
    private static func withCommonForms(_ text: String) throws(PixArtError) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x132, 0x133, 0x1c4...0x1cc, 0x1f1...0x1f3, 0xfb00...0xfb04, 0xfb06, 0x3000, 0xff01...0xffef:
                out.add(try composed(String(scalar), compatibly: true).unicodeScalars)
            case 0xfb05: out.add("ſt".unicodeScalars)
            case 0x149: out.add("'n".unicodeScalars)
            case 0x2bc, 0x2018...0x201b: out.append("'")
            case 0x201c...0x201f: out.append("\"")
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    private static func withUnixLines(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where previous == "\r": break
            case "\r", "\u{85}", "\u{2028}", "\u{2029}": out.append("\n")
            default: out.append(scalar)
            }
            previous = scalar
        }
        return String(out)
    }

    /// Color sequences of terminals.
    private static let terminalEscape = RegularExpression("\\x1b\\[[\(RegularExpression.digit);]*+[a-zA-Z]")

    private static func withoutControls(_ text: String) -> String {
        var out = text.unicodeScalars
        out.removeAll { scalar in
            switch scalar.value {
            case 0x00...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0x206a...0x206f, 0xfeff, 0xfff9...0xfffc: true
            default: false
            }
        }
        return String(out)
    }

    /// The NFC of `text` by Unicode 14. Later characters do not compose.
    private static func composed(_ text: String) throws(PixArtError) -> String {
        if text.utf8.allSatisfy({ $0 < 0xcc }) { return text }  // nothing beyond U+02FF
        var out = ""
        var piece = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if PythonText.isAssigned(scalar) {
                piece.append(scalar)
            } else {
                out += try composed(String(piece), compatibly: false)
                out.unicodeScalars.append(scalar)
                piece = String.UnicodeScalarView()
            }
        }
        return out + (try composed(String(piece), compatibly: false))
    }

    /// The NFC of `text`, or its NFKC.
    private static func composed(_ text: String, compatibly: Bool) throws(PixArtError) -> String {
        var text = text
        var count = 0
        let bytes = text.withUTF8 { native_unicode_compose($0.baseAddress, $0.count, compatibly ? 1 : 0, &count) }
        guard let bytes else { throw .memory("no memory to normalize text of \(text.utf8.count) bytes") }
        defer { free(bytes) }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
