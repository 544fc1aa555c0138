import PixArtStorage

/// Undoes mojibake: `ftfy.fix_encoding` of ftfy 6.3.1 with its default settings.
package enum EncodingRepair {
    /// The encodings that UTF-8 is most often misread as, likeliest first.
    private static let codePages: [CodePage] = [
        .latin1, .windows1252, .windows1251, .windows1250, .windows1253, .windows1254, .windows1257, .latin2, .macRoman,
        .cp437,
    ]
    private static let macRoman = 8

    /// `text` before it was misread, once or repeatedly. The same text if nothing looks misread.
    package static func repaired(_ text: String, _ budget: inout RepairBudget) throws(PixArtError) -> String {
        var text = text
        while true {
            let next = try repairedOnce(text, &budget)
            if next.isIdentical(to: text) { return text }
            try budget.pay(for: text)
            text = next
        }
    }

    private static func repairedOnce(_ text: String, _ budget: inout RepairBudget) throws(PixArtError) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }), try Mojibake.isSuspected(in: text) else { return text }
        var isLatin1 = false
        for (index, page) in codePages.enumerated() {
            guard var bytes = page.encode(text) else { continue }
            if index == 0 { isLatin1 = true }
            if index != macRoman { bytes = try restoringNoBreakSpaces(bytes) }
            if page.isLossy { bytes = try lossy.replacing(bytes) { _ in Array("\u{fffd}".utf8) } }
            if let decoded = LenientUTF8.decode(bytes) { return decoded }
        }
        let inner = try repairingPieces(text, &budget)
        if !inner.isIdentical(to: text) { return inner }
        if isLatin1, let decoded = fromWindows1252(text), !decoded.isIdentical(to: text) { return decoded }
        return replacingControls(text)
    }

    // MARK: Bytes

    /// Sequences that would be UTF-8 if a space in them were byte 0xa0. Some programs turn that byte into a space.
    private static let spaced = RegularExpression(
        #"[\xc2\xc3\xc5\xce\xd0\xd9] |[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] "#
            + #"|\xf0 [\x80-\xbf]{2}|\xf0[\x80-\xbf] [\x80-\xbf]|\xf0[\x80-\xbf]{2} "#, over: .bytes)

    /// A single "à" whose second byte became the space after it, except in some Portuguese words that begin with
    /// "à".
    private static let lonelyAGrave = RegularExpression(#"\xc3 (?! |quele|quela|quilo|s )"#, over: .bytes)

    private static func restoringNoBreakSpaces(_ bytes: [UInt8]) throws(PixArtError) -> [UInt8] {
        guard try spaced.matches(bytes) else { return bytes }
        let separated = try lonelyAGrave.replacing(bytes) { _ in [0xc3, 0xa0, 0x20] }
        return try spaced.replacing(separated) { match in match.map { $0 == 0x20 ? 0xa0 : $0 } }
    }

    /// UTF-8 and CESU-8 with lost bytes: 0x1a, and once in a sequence "?", can be a lost byte.
    private static let lossy = RegularExpression(
        [
            #"[\xc2-\xdf]\x1a"#,
            #"[\xc2\xc3]\?"#,
            #"\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]"#,
            #"\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]"#,
            #"[\xe0-\xef][\x1a?][\x1a\x80-\xbf]"#,
            #"[\xe0-\xef][\x1a\x80-\xbf][\x1a?]"#,
            #"[\xf0-\xf4][\x1a?][\x1a\x80-\xbf][\x1a\x80-\xbf]"#,
            #"[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]"#,
            #"[\xf0-\xf4][\x1a\x80-\xbf][\x1a\x80-\xbf][\x1a?]"#,
            #"\x1a"#,
        ].joined(separator: "|"), over: .bytes)

    // MARK: Characters

    /// Repairs what looks like UTF-8 within text that is otherwise correct.
    private static func repairingPieces(_ text: String, _ budget: inout RepairBudget) throws(PixArtError) -> String {
        try Mojibake.utf8.replacing(text) { match throws(PixArtError) in
            let piece = String(decoding: match, as: UTF8.self)
            // A match of the whole text would recurse forever.
            guard match.count < text.utf8.count, try Mojibake.isSuspected(in: piece) else { return piece }
            return try repaired(piece, &budget)
        }
    }

    /// Latin-1 text read as Windows-1252 instead; nil if Windows-1252 leaves a byte undefined.
    private static func fromWindows1252(_ text: String) -> String? {
        let undefined: Set<Unicode.Scalar> = ["\u{81}", "\u{8d}", "\u{8f}", "\u{90}", "\u{9d}"]
        return text.unicodeScalars.contains(where: undefined.contains) ? nil : replacingControls(text)
    }

    /// C1 controls replaced by the characters of Windows-1252, as browsers do.
    static func replacingControls(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = (0x80...0x9f).contains(scalar.value)
            out.append(isControl ? CodePage.windows1252.scalar(UInt8(scalar.value)) : scalar)
        }
        return String(out)
    }
}
