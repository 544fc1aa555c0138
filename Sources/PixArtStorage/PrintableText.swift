extension String {
    /// The text as it appears in messages. Characters that control a terminal or are invisible are escaped as in
    /// JSON. The middle of a long text is left out.
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
        guard utf8.count > maximumLength, scalars.count > maximumLength else { return self }
        let half = maximumLength / 2
        return String(scalars.prefix(half)) + "[... \(scalars.count - 2 * half) characters ...]"
            + String(scalars.suffix(half))
    }
}

/// Most characters of a message. No path is longer, so a message contains the whole path.
private let maximumLength = 5000

extension Unicode.Scalar {
    /// Control characters, line separators, direction marks and characters without width.
    fileprivate var isUnprintable: Bool {
        if 0x20...0x7E ~= value { return false }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isDefaultIgnorableCodePoint
        }
    }
}
