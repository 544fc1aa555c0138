import PixArtFormats

/// What a verb of the library can be told: keys with types, ranges, defaults and documentation.
///
/// One table serves for checking what hosts pass, for the JSON Schema that they can ask for, and for docs/options.md.
package struct OptionSchema: Sendable {
    package enum Kind: Sendable {
        case boolean
        case integer(ClosedRange<Int64>)
        case number(ClosedRange<Double>)
        case choice([String])
        /// Some of these, at least one, each once.
        case choices([String])
        /// Any text.
        case text
        /// A seed of 64 bits, or a list of them.
        case seeds
        /// An object of texts.
        case texts
    }

    package struct Property: Sendable {
        package let name: String
        package let kind: Kind
        /// null stands for a default that depends on the checkpoint, as the documentation says; such a key may be null.
        package let fallback: JSONValue
        package let documentation: String

        package init(_ name: String, _ kind: Kind, default fallback: JSONValue, _ documentation: String) {
            self.name = name
            self.kind = kind
            self.fallback = fallback
            self.documentation = documentation
        }
    }

    package let verb: String
    package let properties: [Property]

    package init(_ verb: String, _ properties: [Property]) {
        self.verb = verb
        self.properties = properties
    }

    /// The schema as JSON Schema, draft 2020-12.
    package var json: JSONValue {
        var members: [String: JSONValue] = [:]
        for property in properties { members[property.name] = .object(property.json) }
        return .object([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
            "title": .string("options of pixart_\(verb)"),
            "type": .string("object"),
            "additionalProperties": .bool(false),
            "properties": .object(members),
        ])
    }
}

extension OptionSchema.Property {
    fileprivate var json: [String: JSONValue] {
        var members: [String: JSONValue]
        switch kind {
        case .boolean: members = ["type": .string("boolean")]
        case .integer(let range):
            members = [
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ]
        case .number(let range):
            members = [
                "type": .string("number"), "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound),
            ]
        case .choice(let names): members = ["type": .string("string"), "enum": .array(names.map { .string($0) })]
        case .choices(let names):
            members = [
                "type": .string("array"), "minItems": .integer(1), "uniqueItems": .bool(true),
                "items": .object(["type": .string("string"), "enum": .array(names.map { .string($0) })]),
            ]
        case .text: members = ["type": .string("string")]
        case .seeds:
            let seed: JSONValue = .object([
                "type": .string("integer"), "minimum": .integer(0), "maximum": .unsigned(.max),
            ])
            members = ["oneOf": .array([seed, .object(["type": .string("array"), "items": seed])])]
        case .texts:
            members = [
                "type": .string("object"), "additionalProperties": .object(["type": .string("string")]),
            ]
        }
        if fallback == .null, let type = members["type"] {
            members["type"] = .array([type, .string("null")])
            if case .choice(let names) = kind { members["enum"] = .array(names.map { .string($0) } + [.null]) }
        }
        members["default"] = fallback
        members["description"] = .string(documentation)
        return members
    }

    /// What a value has to be, for messages.
    var expectation: String {
        let null = fallback == .null ? " or null" : ""
        switch kind {
        case .boolean: return "true or false\(null)"
        case .integer(let range): return "an integer from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .number(let range): return "a number from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .choice(let names): return names.map { "\"\($0)\"" }.joined(separator: " or ") + null
        case .choices(let names):
            return "an array with one or more of \(names.map { "\"\($0)\"" }.joined(separator: ", ")), each once\(null)"
        case .text: return "a string\(null)"
        case .seeds: return "an integer from 0 to \(UInt64.max), or an array of such integers"
        case .texts: return "an object of strings"
        }
    }

    /// Whether a value is of the kind and in the range.
    func accepts(_ value: JSONValue) -> Bool {
        if value == .null { return fallback == .null }
        switch kind {
        case .boolean: return value.bool != nil
        case .integer(let range): return value.integer.map { range.contains($0) } ?? false
        case .number(let range): return value.number.map { range.contains($0) } ?? false
        case .choice(let names): return value.string.map { names.contains($0) } ?? false
        case .choices(let names):
            let chosen = value.array?.compactMap(\.string) ?? []
            return !chosen.isEmpty && chosen.count == value.array?.count && Set(chosen).count == chosen.count
                && chosen.allSatisfy { names.contains($0) }
        case .text: return value.string != nil
        case .seeds:
            if let seeds = value.array { return !seeds.isEmpty && seeds.allSatisfy { $0.unsigned != nil } }
            return value.unsigned != nil
        case .texts: return value.object.map { $0.values.allSatisfy { $0.string != nil } } ?? false
        }
    }
}
