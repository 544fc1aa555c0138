/// A name from a file or a host. Names are compared byte by byte, as JSON, safetensors and PNG do. Swift's strings are
/// equal if they are canonically equivalent.
package struct Name: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Name, right: Name) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package static func < (left: Name, right: Name) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(text.utf8.count)
    }
}

extension Name: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.text = text }
}

extension Name: CustomStringConvertible {
    package var description: String { text }
}

extension Dictionary where Key == Name {
    package subscript(key: String) -> Value? {
        get { self[Name(key)] }
        set { self[Name(key)] = newValue }
    }
}
