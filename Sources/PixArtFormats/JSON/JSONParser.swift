import CLibraries
import PixArtStorage

extension JSONValue {
    /// Parses one JSON value from UTF-8 bytes.
    ///
    /// The grammar is JSON's, plus the bare numbers NaN, Infinity and -Infinity. Fails with `.format` naming
    /// `source` and the byte offset: for malformed text, text after the value, invalid UTF-8, names that contain a
    /// NUL, and more values or deeper nesting than `JSONLimits` allows. If `dialect` is strict, also for duplicate
    /// members of an object.
    package init(
        parsing bytes: UnsafeRawBufferPointer, source: String, dialect: JSONDialect = .strict
    ) throws(PixArtError) {
        let bytes = bytes.bindMemory(to: UInt8.self)
        do throws(UTF8.ValidationError) { _ = try UTF8Span(validating: bytes.span) } catch {
            throw .format("\(source): not JSON: byte \(error.byteOffsets.lowerBound): invalid UTF-8")
        }
        self = try JSONValue.parse(bytes, source: source, dialect)
    }

    /// Parses one JSON value from text; otherwise as `init(parsing: UnsafeRawBufferPointer, source:)`.
    package init(parsing text: String, source: String, dialect: JSONDialect = .strict) throws(PixArtError) {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(PixArtError) in try JSONValue.parse(bytes, source: source, dialect) }
        }
        self = try result.get()
    }

    private static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, source: String, _ dialect: JSONDialect
    ) throws(PixArtError) -> JSONValue {
        try JSONLimits.check(bytes, source: source)
        var offset = 0
        var reason: UnsafePointer<CChar>?
        let root = bytes.withMemoryRebound(to: CChar.self) {
            native_json_parse($0.baseAddress, $0.count, Int32(JSONLimits.depth), &offset, &reason)
        }
        defer { native_json_release(root) }
        if let reason {
            throw .format("\(source): not JSON: byte \(offset): \(String(cString: reason))")
        }
        var scan = JSONScan(bytes, source: source, allowsRepeatedNames: dialect != .strict)
        var extremes = try scan.run()[...]
        return JSONValue(root, dialect, extremes: &extremes)
    }

    /// Copies a tree of json-c. `extremes` are the integers that json-c may have clamped, in the order of the
    /// text. Recursion is as deep as the tree, which the parser limits.
    private init(_ node: OpaquePointer?, _ dialect: JSONDialect, extremes: inout ArraySlice<JSONValue>) {
        switch native_json_kind(node) {
        case NATIVE_JSON_BOOL: self = .bool(native_json_bool(node) != 0)
        case NATIVE_JSON_INTEGER:
            let value = native_json_integer(node)
            self = value == .min ? extremes.popFirst() ?? .integer(value) : .integer(value)
        case NATIVE_JSON_UNSIGNED:
            let value = native_json_unsigned(node)
            self = value == .max ? extremes.popFirst() ?? .unsigned(value) : .unsigned(value)
        case NATIVE_JSON_NUMBER:
            let value = native_json_number(node)
            // Beyond 2^53 a double may represent another integer than the text.
            let whole = dialect == .python && value.magnitude <= 0x1p53 ? Int64(exactly: value) : nil
            self = whole.map { .integer($0) } ?? .number(value)
        case NATIVE_JSON_STRING:
            var size = 0
            let start = native_json_string(node, &size)
            self = .string(String(decoding: UnsafeRawBufferPointer(start: start, count: size), as: UTF8.self))
        case NATIVE_JSON_ARRAY:
            var elements: [JSONValue] = []
            for index in 0..<native_json_count(node) {
                elements.append(JSONValue(native_json_element(node, index), dialect, extremes: &extremes))
            }
            self = .array(elements)
        case NATIVE_JSON_OBJECT:
            let count = native_json_count(node)
            var names = [UnsafePointer<CChar>?](repeating: nil, count: count)
            var values = [OpaquePointer?](repeating: nil, count: count)
            native_json_members(node, &names, &values)
            var members: [Name: JSONValue] = [:]
            members.reserveCapacity(count)
            for case (let name?, let value) in zip(names, values) {
                members[String(cString: name)] = JSONValue(value, dialect, extremes: &extremes)
            }
            self = .object(members)
        default: self = .null
        }
    }
}
