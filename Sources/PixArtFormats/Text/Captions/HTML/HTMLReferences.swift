import PixArtStorage

/// Character references of HTML: `&eacute;`, `&#233;`, `&#xe9;`.
package enum HTMLReferences {
    private struct Entity {
        let value: String
        /// Whether the name is also valid without its semicolon.
        let stands: Bool
    }

    private static let entities: [Name: Entity] = {
        var entities: [Name: Entity] = [:]
        for word in HTMLEntityTable.words.split(whereSeparator: \.isWhitespace) {
            guard let equals = word.firstIndex(of: "=") else { continue }
            let stands = word[..<equals].last == "*"
            var value = String.UnicodeScalarView()
            for code in word[word.index(after: equals)...].split(separator: "+") {
                value.append(UInt32(code, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{fffd}")
            }
            let name = word[..<equals].filter { $0 != "*" }
            entities[String(name)] = Entity(value: String(value), stands: stands)
        }
        return entities
    }()

    /// The characters of a name without ampersand and semicolon; nil if the standard has no such name.
    static func named(_ name: String) -> String? { entities[name]?.value }

    /// The character with this number, as browsers read it: Windows-1252 for a C1 control, and U+FFFD if there is
    /// no such character.
    static func numbered(_ number: UInt32) -> Unicode.Scalar {
        switch number {
        case 0: "\u{fffd}"
        case 0x80...0x9f: CodePage.windows1252.scalar(UInt8(number))
        default: Unicode.Scalar(number) ?? "\u{fffd}"
        }
    }

    /// The number that `digits` represent, or 0x110000 if it is beyond the last character.
    static func number(_ digits: ArraySlice<Unicode.Scalar>, radix: UInt32) -> UInt32 {
        digits.reduce(0) { min($0 * radix + UInt32(Character($1).hexDigitValue ?? 0), 0x11_0000) }
    }

    /// Python's `html.unescape`: all references of the text, with or without their semicolons.
    package static func unescape(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            if scalars[index] == "&", let reference = reference(scalars, after: index + 1) {
                out.add(reference.value.unicodeScalars)
                index = reference.end
            } else {
                out.append(scalars[index])
                index += 1
            }
        }
        return String(out)
    }

    /// Whether `unescape` leaves `&name;` unchanged, including its beginning.
    static func isUnknown(_ name: String) -> Bool { unescape("&\(name);").isIdentical(to: "&\(name);") }

    private static func reference(_ text: [Unicode.Scalar], after start: Int) -> (value: String, end: Int)? {
        guard start < text.count, text[start] == "#" else { return namedReference(text, start) }
        let hexadecimal = start + 1 < text.count && (text[start + 1] == "x" || text[start + 1] == "X")
        let first = start + (hexadecimal ? 2 : 1)
        var end = first
        while end < text.count, hexadecimal ? isHexDigit(text[end]) : isDigit(text[end]) { end += 1 }
        guard end > first else { return nil }
        let number = number(text[first..<end], radix: hexadecimal ? 16 : 10)
        if end < text.count, text[end] == ";" { end += 1 }
        return (isDropped(number) ? "" : String(numbered(number)), end)
    }

    /// Up to 32 characters and a semicolon are the name; otherwise, the longest prefix that is a name.
    private static func namedReference(_ text: [Unicode.Scalar], _ start: Int) -> (value: String, end: Int)? {
        var end = start
        while end < text.count, end - start < 32, !"\t\n\u{c} <&#;".unicodeScalars.contains(text[end]) { end += 1 }
        if end < text.count, end > start, text[end] == ";", let value = named(string(text[start..<end])) {
            return (value, end + 1)
        }
        while end - start >= 2 {
            if let entity = entities[string(text[start..<end])], entity.stands { return (entity.value, end) }
            end -= 1
        }
        return nil
    }

    /// Controls and noncharacters, which `html.unescape` drops.
    private static func isDropped(_ number: UInt32) -> Bool {
        switch number {
        case 0x80...0x9f, 0x11_0000...: false
        case 0x01...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0xfdd0...0xfdef: true
        default: number & 0xfffe == 0xfffe
        }
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
    }
}
