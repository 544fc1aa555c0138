import CLibraries

extension JSONValue {
    /// The value as JSON text. Members are sorted by name. Doubles have the fewest digits that read back to the
    /// same value. NaN and the infinities are the bare words that `init(parsing:source:)` accepts.
    ///
    /// - Parameter pretty: one member or element per line, indented by two spaces.
    ///
    /// A name is cut at its first NUL; the parser accepts no such name.
    package func serialized(pretty: Bool = false) -> String {
        let root = tree()
        defer { native_json_release(root) }
        var size = 0
        guard let start = native_json_text(root, pretty ? 1 : 0, &size) else { return "null" }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: size), as: UTF8.self)
    }

    /// The value as a json-c tree, owned by the caller. nil is null.
    private func tree() -> OpaquePointer? {
        switch self {
        case .null: return nil
        case .bool(let value): return native_json_new_bool(value ? 1 : 0)
        case .integer(let value): return native_json_new_integer(value)
        case .unsigned(let value): return native_json_new_unsigned(value)
        case .number(let value):
            return value.isFinite ? native_json_new_number(value, "\(value)") : native_json_new_number(value, nil)
        case .string(var text):
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { native_json_new_string($0.baseAddress, $0.count) }
            }
        case .array(let elements):
            let array = native_json_new_array()
            for element in elements {
                let value = element.tree()
                if native_json_append(array, value) != 0 { native_json_release(value) }
            }
            return array
        case .object(let members):
            let object = native_json_new_object()
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                let value = member.tree()
                if native_json_add(object, name.text, value) != 0 { native_json_release(value) }
            }
            return object
        }
    }
}
