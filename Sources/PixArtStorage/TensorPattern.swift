/// Patterns for names of tensors. Each `*` matches any text, including dots and no text.
package struct TensorPattern: ExpressibleByStringLiteral, Sendable {
    private let text: [UInt8]

    package init(stringLiteral text: String) { self.text = Array(text.utf8) }

    package func matches(_ name: String) -> Bool { matches(Array(name.utf8)) }

    /// Matches the UTF-8 of a name.
    package func matches(_ name: [UInt8]) -> Bool {
        var (position, index) = (0, 0)
        // Where to continue if the rest does not match: after the star, one byte later in the name.
        var retry: (position: Int, index: Int)?
        while index < name.count {
            if position < text.count, text[position] == UInt8(ascii: "*") {
                position += 1
                retry = (position, index)
            } else if position < text.count, text[position] == name[index] {
                position += 1
                index += 1
            } else if let last = retry {
                retry = (last.position, last.index + 1)
                (position, index) = (last.position, last.index + 1)
            } else {
                return false
            }
        }
        return text[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
