/// SentencePiece's normalization of a text before it is split.
package struct TextNormalizer: Sendable {
    /// U+2581, which replaces a space in pieces.
    static let spaceSymbol: [UInt8] = [0xE2, 0x96, 0x81]
    private static let replacementCharacter: ArraySlice<UInt8> = [0xEF, 0xBF, 0xBD]

    /// nil leaves characters unchanged.
    var rules: NormalizationRules?
    var addsDummyPrefix = true
    var removesExtraWhitespace = true
    var escapesWhitespace = true
    var whitespaceIsSuffix = false

    /// Most bytes of the normalized form of `count` bytes. T5's rules turn one byte into at most 13.
    static func maximumBytes(for count: Int) -> Int { 32 * count + 1024 }

    /// A normalized text, and for each byte its position in the original. One more position marks the end.
    struct Normalized {
        var bytes: [UInt8] = []
        var origins: [Int] = []

        /// The original bytes of a range of normalized bytes.
        func origin(of range: Range<Int>) -> Range<Int> { origins[range.lowerBound]..<origins[range.upperBound] }

        fileprivate mutating func append(_ part: some Sequence<UInt8>, from origin: Int) {
            bytes += part
            while origins.count < bytes.count { origins.append(origin) }
        }
    }

    /// `text` normalized. Invalid UTF-8 becomes U+FFFD, byte by byte. Pieces of `spared` stay unchanged. nil if
    /// the result has more bytes than `maximumBytes(for:)`.
    func normalized(_ text: [UInt8], sparing spared: PieceTrie?) -> Normalized? {
        var offset = 0
        if removesExtraWhitespace {
            while offset < text.count {
                let (part, length) = nextPart(of: text, from: offset, spared)
                guard part.elementsEqual([UInt8(ascii: " ")]) else { break }
                offset += length
            }
        }
        guard offset < text.count else { return Normalized(origins: [offset]) }
        let space = escapesWhitespace ? Self.spaceSymbol : [UInt8(ascii: " ")]
        let most = Self.maximumBytes(for: text.count)
        var result = Normalized()
        result.bytes.reserveCapacity(text.count + text.count / 2)
        result.origins.reserveCapacity(text.count + text.count / 2)
        if addsDummyPrefix && !whitespaceIsSuffix { result.append(space, from: offset) }
        var followsSpace = removesExtraWhitespace
        while offset < text.count {
            var (part, length) = nextPart(of: text, from: offset, spared)
            let origin = offset
            offset += length
            if followsSpace { part = part.drop { $0 == UInt8(ascii: " ") } }
            for byte in part {
                if byte == UInt8(ascii: " ") {
                    result.append(space, from: origin)
                } else {
                    result.append(CollectionOfOne(byte), from: origin)
                }
            }
            if let last = part.last { followsSpace = removesExtraWhitespace && last == UInt8(ascii: " ") }
            guard result.bytes.count <= most else { return nil }
        }
        if removesExtraWhitespace {
            while result.bytes.count >= space.count, result.bytes.suffix(space.count).elementsEqual(space) {
                result.bytes.removeLast(space.count)
                offset = result.origins[result.bytes.count]
                result.origins.removeLast(space.count)
            }
        }
        if addsDummyPrefix && whitespaceIsSuffix { result.append(space, from: offset) }
        result.origins.append(offset)
        return result
    }

    /// The normalized form of the text at `start`, and how many bytes of the text it replaces.
    private func nextPart(of text: [UInt8], from start: Int, _ spared: PieceTrie?) -> (ArraySlice<UInt8>, length: Int) {
        if let length = spared?.longestMatch(in: text, from: start), length > 0 {
            return (text[start..<start + length], length)
        }
        if let match = rules?.longestMatch(in: text, from: start) { return (match.replacement, match.length) }
        let length = Self.characterLength(in: text, from: start)
        return length == 0 ? (Self.replacementCharacter, 1) : (text[start..<start + length], length)
    }

    /// Bytes of the character at `start`; 0 if it is not UTF-8.
    private static func characterLength(in text: [UInt8], from start: Int) -> Int {
        if text[start] < 0x80 { return 1 }
        var decoder = UTF8()
        var bytes = text[start..<min(start + 4, text.count)].makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&bytes) else { return 0 }
        return UTF8.width(scalar)
    }
}
