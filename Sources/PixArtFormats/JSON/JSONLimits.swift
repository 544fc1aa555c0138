import PixArtStorage

/// Limits of a JSON text. No real text reaches them, and a hostile one within them is read in a fraction of a second,
/// and its values in less than 100 MB of memory.
enum JSONLimits {
    /// A safetensors header has about ten values for each tensor; T5's tokenizer.json has 100,000.
    private static let values = 1 << 18
    /// json-c needs most memory for these: 900 bytes each, even if they are empty.
    private static let objects = 1 << 16
    /// The deepest nesting, including the innermost values. Configurations and headers need four levels.
    static let depth = 64

    /// Counts the values that json-c would create, in one pass and without memory. The count is an upper bound:
    /// empty objects and arrays raise it. Fails with `.format` naming the byte at which a limit is exceeded.
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
