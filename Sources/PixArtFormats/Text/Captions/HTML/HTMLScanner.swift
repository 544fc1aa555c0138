/// Finds the pieces of HTML in text: the regular expressions of Python 3.11's `html.parser` as loops.
///
/// Every search caches its last result, so a document of unfinished markup takes linear time.
struct HTMLScanner {
    enum Target: Int, CaseIterable {
        case markup, less, greater, singleQuote, doubleQuote, semicolon, nameEnd, attributeNameEnd, valueEnd
        case commentEnd, sectionEnd, officeSectionEnd
    }

    let text: [Unicode.Scalar]
    private var answers = [(start: Int, found: Int)](repeating: (0, -1), count: Target.allCases.count)
    /// Starts of attributes that belong to a tag without an end.
    private var unfinished: Set<Int> = []

    /// For each position, the end of the spaces that begin there, and the end of the spaces and slashes.
    private var afterSpaces: [Int]
    private var afterSeparators: [Int]

    init(_ text: [Unicode.Scalar]) {
        self.text = text
        afterSpaces = Array(text.indices)
        afterSeparators = afterSpaces
        for index in text.indices.reversed() {
            let isLast = index + 1 == text.count
            if isSpace(index) {
                afterSpaces[index] = isLast ? text.count : afterSpaces[index + 1]
            } else if !starts("/", at: index) || starts(">", at: index + 1) {
                continue
            }
            afterSeparators[index] = isLast ? text.count : afterSeparators[index + 1]
        }
    }

    // MARK: Searches

    /// The first position of `target` at `start` or later.
    mutating func find(_ target: Target, from start: Int) -> Int? {
        let answer = answers[target.rawValue]
        var found = answer.found
        if !(answer.start <= start && start <= found) {
            found = start
            while found < text.count, !matches(target, found) { found += 1 }
            if found >= text.count { found = Int.max }
            answers[target.rawValue] = (start, found)
        }
        return found == Int.max ? nil : found
    }

    private func matches(_ target: Target, _ index: Int) -> Bool {
        let scalar = text[index]
        switch target {
        case .markup: return scalar == "<" || scalar == "&"
        case .less: return scalar == "<"
        case .greater: return scalar == ">"
        case .singleQuote: return scalar == "'"
        case .doubleQuote: return scalar == "\""
        case .semicolon: return scalar == ";"
        case .nameEnd: return "\t\n\r\u{c} />\0".unicodeScalars.contains(scalar)
        case .attributeNameEnd: return isSpace(index) || isOne(of: "/=>", index)
        case .valueEnd: return isSpace(index) || scalar == ">"
        case .commentEnd:
            return scalar == "-" && starts("-", at: index + 1) && starts(">", at: skipSpaces(index + 2))
        case .sectionEnd:
            guard scalar == "]" else { return false }
            let second = skipSpaces(index + 1)
            return starts("]", at: second) && starts(">", at: skipSpaces(second + 1))
        case .officeSectionEnd: return scalar == "]" && starts(">", at: skipSpaces(index + 1))
        }
    }

    /// Start of the end tag of a script or style.
    mutating func closingTag(_ name: String, from start: Int) -> Int? {
        var start = start
        while let index = find(.less, from: start) {
            if let tag = endTag(index), tag.name == name { return index }
            start = index + 1
        }
        return nil
    }

    // MARK: Characters and names

    /// Whether the text at `index` has the prefix `prefix`, which is in lower case, in either case.
    func starts(_ prefix: String, at index: Int) -> Bool {
        guard index + prefix.utf8.count <= text.count else { return false }
        return zip(prefix.utf8, text[index...]).allSatisfy { byte, scalar in
            scalar.value == byte || ((97...122).contains(byte) && scalar.value | 0x20 == byte)
        }
    }

    func isLetter(_ index: Int) -> Bool {
        index < text.count && (("a"..."z").contains(text[index]) || ("A"..."Z").contains(text[index]))
    }

    private func isSpace(_ index: Int) -> Bool { index < text.count && PythonText.isSpace(text[index]) }

    func skipSpaces(_ index: Int) -> Int { index < text.count ? afterSpaces[index] : index }

    /// Skips spaces and slashes, but not the slash of "/>".
    func skipSeparators(_ index: Int) -> Int { index < text.count ? afterSeparators[index] : index }

    mutating func nameEnd(_ start: Int) -> Int { find(.nameEnd, from: start) ?? text.count }

    /// The name of the tag at `start`, in lower case.
    mutating func name(_ start: Int) -> String { lowercased(start..<nameEnd(start)) }

    private func lowercased(_ range: Range<Int>) -> String {
        PythonText.lowercased(String(String.UnicodeScalarView(text[range])))
    }

    /// The name after "<![" and the position after the spaces that follow it.
    func sectionName(_ start: Int) -> (value: String, end: Int) {
        var end = start
        while isLetter(end) || isOne(of: "-_.", end) || isDigit(end) { end += 1 }
        return (lowercased(start..<end), skipSpaces(end))
    }

    private func isOne(of set: String, _ index: Int) -> Bool {
        index < text.count && set.unicodeScalars.contains(text[index])
    }

    private func isDigit(_ index: Int) -> Bool { index < text.count && HTMLReferences.isDigit(text[index]) }

    // MARK: Tags

    /// The end of the start tag at `start`, and what closes it: ">", "/>", or anything else if the tag is
    /// malformed. nil if the document ends within the tag.
    mutating func startTag(_ start: Int) -> (end: Int, closing: String)? {
        let name = nameEnd(start + 1)
        var index = skipSeparators(name)
        if starts("/", at: index) { index += 1 }
        var visited: [Int] = []
        while isAttribute(index) {
            if unfinished.contains(index) {
                unfinished.formUnion(visited)
                return nil
            }
            visited.append(index)
            index = attributeEnd(index)
        }
        index = skipSpaces(index)
        if starts("/>", at: index) {
            index += 2
        } else if starts(">", at: index) {
            index += 1
        } else if index == text.count || isLetter(index) || isOne(of: "=/", index) {
            unfinished.formUnion(visited)
            return nil
        }
        var rest = skipSeparators(name)
        while rest < index, isAttribute(rest) { rest = attributeEnd(rest) }
        let closing = String(String.UnicodeScalarView(text[min(rest, index)..<index]))
        return (index, PythonText.stripped(closing))
    }

    /// An attribute begins after a space, a slash or a quote.
    private func isAttribute(_ index: Int) -> Bool {
        guard index < text.count, index > 0, !isSpace(index), !isOne(of: "/>", index) else { return false }
        return isSpace(index - 1) || isOne(of: "/'\"", index - 1)
    }

    private mutating func attributeEnd(_ start: Int) -> Int {
        let index = find(.attributeNameEnd, from: start + 1) ?? text.count
        return skipSeparators(valueEnd(index) ?? index)
    }

    /// The end of "= value"; nil if there is none. A quote that is never closed is no value: an earlier space or
    /// equals sign is used instead.
    private mutating func valueEnd(_ start: Int) -> Int? {
        let equals = skipSpaces(start)
        var afterEquals = equals
        while starts("=", at: afterEquals) { afterEquals += 1 }
        guard afterEquals > equals else { return nil }
        var index = skipSpaces(afterEquals)
        if isOne(of: "'\"", index) {
            if let close = find(starts("'", at: index) ? .singleQuote : .doubleQuote, from: index + 1) {
                return close + 1
            }
            if index > afterEquals { return index - 1 }
            if afterEquals - equals < 2 { return nil }
            index = afterEquals - 1
        }
        return find(.valueEnd, from: index) ?? text.count
    }

    /// The end tag at `start`: "</name>", optionally with spaces around the name.
    func endTag(_ start: Int) -> (name: String, end: Int)? {
        guard starts("</", at: start) else { return nil }
        let first = skipSpaces(start + 2)
        guard isLetter(first) else { return nil }
        var end = first
        while isLetter(end) || isDigit(end) || isOne(of: "-.:_", end) { end += 1 }
        let close = skipSpaces(end)
        return starts(">", at: close) ? (lowercased(first..<end), close + 1) : nil
    }

    // MARK: References

    /// "&#123" or "&#x7b", not followed by a hexadecimal digit.
    func numericReference(_ start: Int) -> (value: UInt32, end: Int)? {
        let isHexadecimal = isOne(of: "xX", start + 2)
        let first = start + (isHexadecimal ? 3 : 2)
        var end = first
        while isDigit(end) || (isHexadecimal && isHexDigit(end)) { end += 1 }
        guard end > first, end < text.count, !isHexDigit(end) else { return nil }
        return (HTMLReferences.number(text[first..<end], radix: isHexadecimal ? 16 : 10), end)
    }

    /// "&name", not followed by a letter or a digit. At the end of the document a dot or a hyphen may follow that
    /// would otherwise belong to the name.
    func namedReference(_ start: Int) -> (value: String, end: Int)? {
        guard isLetter(start + 1) else { return nil }
        var end = start + 2
        while isLetter(end) || isDigit(end) || isOne(of: "-.", end) { end += 1 }
        if end == text.count {
            repeat { end -= 1 } while end > start + 1 && !isOne(of: "-.", end)
            guard end > start + 1 else { return nil }
        }
        return (String(String.UnicodeScalarView(text[(start + 1)..<end])), end)
    }

    private func isHexDigit(_ index: Int) -> Bool { index < text.count && HTMLReferences.isHexDigit(text[index]) }
}
