import PixArtStorage

/// The text of an HTML document, collected while its tags arrive: what Beautiful Soup's `.text` returns for the tree.
///
/// Text inside scripts, styles, templates and ruby annotations is dropped, and so are comments. A stretch of spaces
/// counts as one space.
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
    /// Void elements. Their end tag closes nothing.
    private var closedAlready: [Name: Int] = [:]

    /// Adds text. A pending empty stretch still counts as one space.
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

    /// Adds a CDATA section, which is kept everywhere.
    mutating func section(_ data: ArraySlice<Unicode.Scalar>) {
        endText()
        append(data)
        endText(isSection: true)
    }

    /// Ends a stretch of text: at a tag, a comment, or the end of the document.
    mutating func endText(isSection: Bool = false) {
        guard hasPending else { return }
        if !isOpen(Self.spacePreserving), pending.allSatisfy({ " \n\t\u{c}\r".unicodeScalars.contains($0) }) {
            pending = (pending.contains("\n") ? "\n" : " ").unicodeScalars
        }
        if isSection || !isOpen(Self.textHiding) { text.add(pending) }
        pending.removeAll(keepingCapacity: true)
        hasPending = false
    }

    /// Closes the innermost open tag of this name and all tags in it. Does nothing if there is none.
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
