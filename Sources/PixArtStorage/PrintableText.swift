extension String {
    /// The text as messages have it. Characters that a terminal or a log obeys, or that nobody sees, are escaped as in
    /// JSON, and a long text is cut in its middle.
    var printable: String {
        guard unicodeScalars.contains(where: \.isUnprintable) else { return cut }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isUnprintable {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text.cut
    }

    private var cut: String {
        let scalars = unicodeScalars
        guard utf8.count > mostPrinted, scalars.count > mostPrinted else { return self }
        let half = mostPrinted / 2
        return String(scalars.prefix(half)) + "[... \(scalars.count - 2 * half) characters ...]"
            + String(scalars.suffix(half))
    }
}

/// Characters of a message, at most: more than the longest path has, so that a message about any is whole.
private let mostPrinted = 5000

extension Unicode.Scalar {
    /// Controls, separators of lines, marks of direction, and what takes no width.
    fileprivate var isUnprintable: Bool {
        if 0x20...0x7E ~= value { return false }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isDefaultIgnorableCodePoint
        }
    }
}
