import PixArtStorage

/// Reads HTML as Python 3.11's `html.parser` does under Beautiful Soup, and returns its text.
///
/// Reads in two passes over one position, like `feed` and `close`. The first pass stops at markup that might be
/// unfinished. The second pass treats unfinished markup as text. Some results are odd (an ampersand that begins no
/// complete reference turns the rest of the document into plain text), but they match.
package struct HTMLParser {
    private var scanner: HTMLScanner
    private var position = 0
    /// "script" or "style" while inside one, whose end tag is the only markup.
    private var rawElement: String?
    private var tree = HTMLText()

    /// The text of `markup`. Throws if `html.parser` fails: at `<![` before anything but a known name.
    package static func text(of markup: String) throws(PixArtError) -> String {
        var parser = HTMLParser(scanner: HTMLScanner(Array(markup.unicodeScalars)))
        try parser.run(atEnd: false)
        try parser.run(atEnd: true)
        parser.tree.endText()
        return String(parser.tree.text)
    }

    private init(scanner: HTMLScanner) { self.scanner = scanner }

    private mutating func run(atEnd: Bool) throws(PixArtError) {
        let count = scanner.text.count
        while position < count {
            if let rawElement {
                guard let closing = scanner.closingTag(rawElement, from: position) else { return }
                position = closing
            } else {
                let next = scanner.find(.markup, from: position) ?? count
                if next > position { append(to: next) }
                if next == count { break }
            }
            let isRead = scanner.text[position] == "<" ? try readMarkup(atEnd: atEnd) : readReference(atEnd: atEnd)
            if !isRead { break }
        }
        if atEnd, rawElement == nil, position < count { append(to: count) }
    }

    /// Treats everything before `end` as text.
    private mutating func append(to end: Int) {
        tree.append(scanner.text[position..<end])
        position = end
    }

    // MARK: Markup, after "<"

    /// Reads one piece of markup. Returns false if more of the document is needed.
    private mutating func readMarkup(atEnd: Bool) throws(PixArtError) -> Bool {
        let start = position
        let end: Int?
        if scanner.isLetter(start + 1) {
            end = startTag()
        } else if scanner.starts("</", at: start) {
            end = endTag()
        } else if scanner.starts("<!--", at: start) {
            end = scanner.find(.commentEnd, from: start + 4).map { scanner.skipSpaces($0 + 2) + 1 }
            if end != nil { tree.endText() }
        } else if scanner.starts("<?", at: start) {
            end = ignored(from: start + 2)
        } else if scanner.starts("<![", at: start) {
            end = try markedSection()
        } else if scanner.starts("<!", at: start) {
            end = ignored(from: start + (scanner.starts("<!doctype", at: start) ? 9 : 2))
        } else if start + 1 < scanner.text.count {
            append(to: start + 1)
            return true
        } else {
            return false
        }
        if let end {
            position = end
            return true
        }
        guard atEnd else { return false }
        let after = scanner.find(.greater, from: start + 1).map { $0 + 1 }
        append(to: after ?? scanner.find(.less, from: start + 1) ?? start + 1)
        return true
    }

    private mutating func startTag() -> Int? {
        let start = position
        guard let tag = scanner.startTag(start) else { return nil }
        switch tag.closing {
        case ">", "/>":
            let name = scanner.name(start + 1)
            tree.startTag(name, closesItself: tag.closing == "/>")
            if tag.closing == ">", name == "script" || name == "style" { rawElement = name }
        default:
            tree.append(scanner.text[start..<tag.end])
        }
        return tag.end
    }

    private mutating func endTag() -> Int? {
        let start = position
        guard scanner.find(.greater, from: start + 1) != nil else { return nil }
        if let tag = scanner.endTag(start) {
            tree.endTag(tag.name)
            rawElement = nil
            return tag.end
        }
        guard scanner.isLetter(start + 2) else {
            return scanner.starts("</>", at: start) ? start + 3 : ignored(from: start + 2)
        }
        let rest = scanner.skipSeparators(scanner.nameEnd(start + 2))
        tree.endTag(scanner.name(start + 2))
        return scanner.find(.greater, from: rest).map { $0 + 1 }
    }

    /// Skips a declaration, an instruction or a malformed comment, up to the next ">".
    private mutating func ignored(from start: Int) -> Int? {
        guard let end = scanner.find(.greater, from: start) else { return nil }
        tree.endText()
        return end + 1
    }

    private mutating func markedSection() throws(PixArtError) -> Int? {
        let start = position + 3
        guard start < scanner.text.count else { return nil }
        guard scanner.isLetter(start) else { throw Self.rejection }
        let name = scanner.sectionName(start)
        guard name.end < scanner.text.count else { return nil }
        let target: HTMLScanner.Target
        switch name.value {
        case "temp", "cdata", "ignore", "include", "rcdata": target = .sectionEnd
        case "if", "else", "endif": target = .officeSectionEnd
        default: throw Self.rejection
        }
        guard let end = scanner.find(target, from: start) else { return nil }
        if name.value == "cdata", scanner.starts("cdata[", at: start) {
            tree.section(scanner.text[min(start + 6, end)..<end])
        } else {
            tree.endText()
        }
        let bracket = target == .sectionEnd ? scanner.skipSpaces(end + 1) : end
        return scanner.skipSpaces(bracket + 1) + 1
    }

    private static var rejection: PixArtError {
        .argument("the caption cannot be cleaned: \"<![\" starts no section of HTML; expected one such as \"cdata[\"")
    }

    // MARK: References, after "&"

    /// Reads one character reference. Returns false if more of the document is needed.
    private mutating func readReference(atEnd: Bool) -> Bool {
        let start = position
        let count = scanner.text.count
        if scanner.starts("&#", at: start) {
            if let number = scanner.numericReference(start) {
                tree.append([HTMLReferences.numbered(number.value)])
                skipReference(to: number.end)
                return true
            }
            if scanner.find(.semicolon, from: start) != nil { append(to: start + 2) }
            return false
        }
        if let name = scanner.namedReference(start) {
            let value = HTMLReferences.named(name.value) ?? "&" + name.value
            tree.append(Array(value.unicodeScalars)[...])
            skipReference(to: name.end)
            return true
        }
        if scanner.isLetter(start + 1) {
            // A lone ampersand and letter at the very end lose the ampersand.
            if atEnd, start + 2 == count { position += 1 }
            return false
        }
        guard start + 1 < count else { return false }
        append(to: start + 1)
        return true
    }

    private mutating func skipReference(to end: Int) {
        position = scanner.starts(";", at: end) ? end + 1 : end
    }
}
