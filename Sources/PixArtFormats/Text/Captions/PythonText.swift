/// Lower case and white space of Python's `str`.
///
/// Characters are those of Unicode 14, as in CPython 3.11. Later ones count as unassigned.
package enum PythonText {
    /// `str.isspace()`, which is also `\s` of Python's regular expressions.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0d, 0x1c...0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
            true
        default:
            false
        }
    }

    /// `str.strip()`.
    package static func stripped(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// `str.lower()`: full mappings ("İ" becomes two code points). "Σ" becomes "ς" at the end of a word.
    package static func lowercased(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar.isASCII {
                out.append(("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar)
            } else if scalar == "Σ" {
                out.append(endsWord(scalars, at: index) ? "ς" : "σ")
            } else if isAssigned(scalar) {
                out.add(scalar.properties.lowercaseMapping.unicodeScalars)
            } else {
                out.append(scalar)
            }
        }
        return String(out)
    }

    /// Unicode's Final_Sigma: a cased letter before, and none after, ignoring case-ignorable characters.
    private static func endsWord(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
        guard let before = scalars[..<index].last(where: { !isCaseIgnorable($0) }), isCased(before) else {
            return false
        }
        let after = scalars[(index + 1)...].first { !isCaseIgnorable($0) }
        return after.map { !isCased($0) } ?? true
    }

    /// Whether the character is in Unicode 14.
    static func isAssigned(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII || scalar.properties.age.map { $0.major <= 14 } ?? false
    }

    // Two characters have changed since Unicode 14: U+0295 was a lower-case letter, U+1171E a mark without width.

    private static func isCased(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{295}" || (isAssigned(scalar) && scalar.properties.isCased)
    }

    private static func isCaseIgnorable(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{1171e}" || (isAssigned(scalar) && scalar.properties.isCaseIgnorable)
    }
}

extension String {
    /// Whether both have the same code points. `==` would also accept canonical equivalence.
    func isIdentical(to other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
