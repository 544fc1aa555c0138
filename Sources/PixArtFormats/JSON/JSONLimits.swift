import PixArtStorage

/// How much a JSON text may hold: more than any real one does, and little enough that a hostile one is read in a
/// fraction of a second, and its values in less than 100 MB of memory.
enum JSONLimits {
    /// A safetensors header has about ten values for each tensor, T5's tokenizer.json has 100,000.
    private static let values = 1 << 18
    /// json-c takes most memory for these: 900 bytes for each, even if it is empty.
    private static let objects = 1 << 16
    /// The deepest nesting, innermost values counted. Configurations and headers need four levels.
    static let depth = 64

    /// Counts what json-c would make of a text, before it does: in one pass and without memory. The count of values is
    /// a bound, which empty objects and arrays raise. Fails with `.format` naming the byte where there is too much.
    static func check(_ text: UnsafeBufferPointer<UInt8>, source: String) throws(PixArtError) {
        var counts = (values: 1, objects: 0, depth: 0)
        var isInString = false
        var offset = 0
        func fault(_ what: String, _ most: Int) -> PixArtError {
            .format("\(source): byte \(offset): more than \(most) \(what); expected at most \(most)")
        }
        while offset < text.count {
            switch text[offset] {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "\\") where isInString: offset += 1
            case _ where isInString: break
            case UInt8(ascii: ","): counts.values += 1
            case UInt8(ascii: "["):
                counts.values += 1
                counts.depth += 1
            case UInt8(ascii: "{"):
                counts.values += 1
                counts.depth += 1
                counts.objects += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): counts.depth -= 1
            default: break
            }
            if counts.depth > depth { throw fault("levels of nesting", depth) }
            if counts.objects > objects { throw fault("objects", objects) }
            if counts.values > values { throw fault("values", values) }
            offset += 1
        }
    }
}
