import PixArtFormats
import PixArtStorage

/// The options of one call, checked against the verb's schema and completed with its defaults.
package struct Options: Sendable {
    private let values: [Name: JSONValue]

    /// Reads a JSON object; nil and "" stand for one without members. Fails with `.option` naming the key and what is
    /// allowed.
    package init(_ text: String?, _ schema: OptionSchema) throws(PixArtError) {
        var values: [Name: JSONValue] = [:]
        for property in schema.properties { values[property.name] = property.fallback }
        for (key, value) in try Self.members(text, schema.verb) {
            guard let property = schema.properties.first(where: { Name($0.name) == key }) else {
                let known = schema.properties.map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw .option("pixart_\(schema.verb) has no option \"\(key)\"; its options: \(known)")
            }
            guard property.accepts(value) else {
                throw .option("option \"\(key)\" is \(value.serialized()), expected \(property.expectation)")
            }
            values[key] = value
        }
        self.values = values
    }

    private static func members(_ text: String?, _ verb: String) throws(PixArtError) -> [Name: JSONValue] {
        guard let text, !text.isEmpty else { return [:] }
        let root: JSONValue
        do { root = try JSONValue(parsing: text, source: "options of pixart_\(verb)") } catch {
            throw .option(error.message)
        }
        guard let members = root.object else {
            throw .option("options of pixart_\(verb) are \(root.kind), expected a JSON object")
        }
        return members
    }

    private func value(_ key: String) -> JSONValue {
        guard let value = values[key] else { preconditionFailure("\(key) is not in the schema") }
        return value
    }

    /// The value as it was given.
    package func json(_ key: String) -> JSONValue { value(key) }
    package func boolean(_ key: String) -> Bool? { value(key).bool }
    package func integer(_ key: String) -> Int? { value(key).integer.map { Int($0) } }
    package func number(_ key: String) -> Double? { value(key).number }
    package func string(_ key: String) -> String? { value(key).string }

    /// One seed, or several.
    package func seeds(_ key: String) -> [UInt64] {
        value(key).array.map { $0.compactMap(\.unsigned) } ?? [value(key).unsigned].compactMap { $0 }
    }

    /// nil for null.
    package func integers(_ key: String) -> [Int]? {
        value(key).array.map { $0.compactMap { $0.integer.map { Int($0) } } }
    }

    /// nil for null.
    package func numbers(_ key: String) -> [Double]? { value(key).array.map { $0.compactMap(\.number) } }

    /// nil for null.
    package func vectors(_ key: String) -> [[Double]]? {
        value(key).array.map { $0.map { ($0.array ?? []).compactMap(\.number) } }
    }

    /// The names that were chosen; nil for null.
    package func choices(_ key: String) -> [String]? { value(key).array.map { $0.compactMap(\.string) } }

    /// Whether several seeds were given, even if only one.
    package func isArray(_ key: String) -> Bool { value(key).array != nil }

    /// Texts by their keywords, in the order of these.
    package func texts(_ key: String) -> [(keyword: String, text: String)] {
        (value(key).object ?? [:]).sorted { $0.key < $1.key }.map { ($0.key.text, $0.value.string ?? "") }
    }
}
