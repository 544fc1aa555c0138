import PixArtStorage

/// The text of an HTML document as its tags arrive: what Beautiful Soup's `.text` gives for the tree they would make.
///
/// Text inside scripts, styles, templates and ruby annotations does not count, and neither do comments; a stretch of
/// nothing but spaces counts as one.
struct HTMLText {
    private static let spacePreserving: Set<Name> = ["pre", "textarea"]
    private static let textHiding: Set<Name> = ["rt", "rp", "style", "script", "template"]
    private static let empty: Set<Name> = [
        "area", "base", "basefont", "bgsound", "br", "col", "command", "embed", "frame", "hr", "image", "img", "input",
        "isindex", "keygen", "link", "menuitem", "meta", "nextid", "param", "source", "spacer", "track", "wbr",
    ]

    private(set) var text = String.UnicodeScalarView()
    private var pending = String.UnicodeScalarView()
    private var hasPending = false
    private var openTags: [Name] = []
    private var openCounts: [Name: Int] = [:]
    /// Empty elements whose end tag, should it come, has nothing left to close.
    private var closedAlready: [Name: Int] = [:]

    /// Adds text. A stretch that is pending but empty still counts as one space.
    mutating func append(_ data: ArraySlice<Unicode.Scalar>) {
        pending.add(data)
        hasPending = true
    }

    mutating func startTag(_ name: String, closesItself: Bool) {
        let name = Name(name)
        endText()
        openTags.append(name)
        openCounts[name, default: 0] += 1
        if closesItself {
            close(name)
        } else if Self.empty.contains(name) {
            close(name)
            closedAlready[name, default: 0] += 1
        }
    }

    mutating func endTag(_ name: String) {
        let name = Name(name)
        if let count = closedAlready[name], count > 0 {
            closedAlready[name] = count - 1
        } else {
            close(name)
        }
    }

    /// Adds a CDATA section, which counts wherever it stands.
    mutating func section(_ data: ArraySlice<Unicode.Scalar>) {
        endText()
        append(data)
        endText(isSection: true)
    }

    /// Ends a stretch of text: at a tag, at a comment, and at the end of the document.
    mutating func endText(isSection: Bool = false) {
        guard hasPending else { return }
        if !isOpen(Self.spacePreserving), pending.allSatisfy({ " \n\t\u{c}\r".unicodeScalars.contains($0) }) {
            pending = (pending.contains("\n") ? "\n" : " ").unicodeScalars
        }
        if isSection || !isOpen(Self.textHiding) { text.add(pending) }
        pending.removeAll(keepingCapacity: true)
        hasPending = false
    }

    /// Closes the innermost open tag of this name and all within it; without one, nothing happens.
    private mutating func close(_ name: Name) {
        endText()
        guard openCounts[name, default: 0] > 0 else { return }
        while let last = openTags.popLast() {
            openCounts[last, default: 1] -= 1
            if last == name { return }
        }
    }

    private func isOpen(_ names: Set<Name>) -> Bool { names.contains { openCounts[$0, default: 0] > 0 } }
}
