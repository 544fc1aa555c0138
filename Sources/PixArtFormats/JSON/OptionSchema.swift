import PixArtStorage

/// The options of a function: keys with types, ranges, defaults and documentation.
///
/// One table checks what hosts pass, gives the JSON Schema that they can query, and is the source of docs/options.md.
package struct OptionSchema: Sendable {
    package enum Kind: Sendable {
        case boolean
        case integer(ClosedRange<Int64>)
        case number(ClosedRange<Double>)
        case choice([String])
        case integerChoice([Int64])
        /// One or more of these, each once.
        case choices([String])
        /// A list of numbers. Not empty unless the default is.
        case integers(ClosedRange<Int64>)
        case numbers(ClosedRange<Double>)
        /// So many numbers.
        case vector(Int, ClosedRange<Double>)
        /// One or more lists of so many numbers.
        case vectors(Int, ClosedRange<Double>)
        /// The name of a class, or an object with "_class_name" and its fields, which are checked when the
        /// object is created. With the JSON Schemas of both forms.
        case classNamed(String, schemas: [JSONValue])
        /// Text or an object in one of several forms, whose parts are checked when it is read: the forms in words, and
        /// their JSON Schemas.
        case form(String, schemas: [JSONValue])
        /// Any text.
        case text
        /// A seed of 64 bits, or a list of them.
        case seeds
        /// An object of strings.
        case texts
        /// Any object.
        case object
        /// An object of numbers.
        case numbersByName(ClosedRange<Double>)
        /// A list of paths, or of objects with a path, a scale and a name.
        case adapters
    }

    package struct Property: Sendable {
        package let name: String
        package let kind: Kind
        /// null means a default that depends on the checkpoint, as documented. Such a key may be null.
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
    /// An object for each value of the option "preset", with the options that it sets; nil without such an option.
    package let presets: JSONValue?

    package init(_ verb: String, _ properties: [Property], presets: JSONValue? = nil) {
        self.verb = verb
        self.properties = properties
        self.presets = presets
    }

    /// The schema as JSON Schema, draft 2020-12.
    package var json: JSONValue {
        var members: [Name: JSONValue] = [:]
        for property in properties { members[property.name] = .object(property.json) }
        var schema: [Name: JSONValue] = [
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
            "title": .string("options of pixart_\(verb)"),
            "type": .string("object"),
            "additionalProperties": .bool(false),
            "properties": .object(members),
        ]
        // No keyword of JSON Schema, so validators ignore it.
        if let presets { schema["presets"] = presets }
        return .object(schema)
    }
}

extension OptionSchema.Property {
    /// JSON has no infinite bounds, so these are left out.
    private static func number(_ range: ClosedRange<Double>) -> [Name: JSONValue] {
        var members: [Name: JSONValue] = ["type": .string("number"), "maximum": .number(range.upperBound)]
        if range.lowerBound.isFinite { members["minimum"] = .number(range.lowerBound) }
        return members
    }

    private static func vector(_ count: Int, _ range: ClosedRange<Double>) -> [Name: JSONValue] {
        [
            "type": .string("array"), "minItems": .integer(Int64(count)), "maxItems": .integer(Int64(count)),
            "items": .object(number(range)),
        ]
    }

    private static var adapter: JSONValue {
        var scale = number(AdapterRequest.scales)
        scale["default"] = .number(1)
        let text: JSONValue = .object(["type": .string("string"), "minLength": .integer(1)])
        let object: JSONValue = .object([
            "type": .string("object"), "title": .string("Adapter"), "additionalProperties": .bool(false),
            "required": .array([.string("path")]),
            "properties": .object(["path": text, "scale": .object(scale), "name": text]),
        ])
        return .object(["oneOf": .array([text, object])])
    }

    /// Whether a value is a list of so many numbers in a range.
    private static func isVector(_ value: JSONValue, _ count: Int, _ range: ClosedRange<Double>) -> Bool {
        guard let numbers = value.array, numbers.count == count else { return false }
        return numbers.allSatisfy { $0.number.map { range.contains($0) } ?? false }
    }

    package var json: [Name: JSONValue] {
        var members: [Name: JSONValue]
        switch kind {
        case .boolean: members = ["type": .string("boolean")]
        case .integer(let range):
            members = [
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ]
        case .number(let range): members = Self.number(range)
        case .integers(let range):
            let element: JSONValue = .object([
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ])
            members = ["type": .string("array"), "items": element]
        case .numbers(let range):
            members = ["type": .string("array"), "items": .object(Self.number(range))]
        case .vector(let count, let range): members = Self.vector(count, range)
        case .vectors(let count, let range):
            members = [
                "type": .string("array"), "minItems": .integer(1), "items": .object(Self.vector(count, range)),
            ]
        case .classNamed(_, let schemas):
            members = [
                "type": .array(["string", "object", "null"].map { .string($0) }),
                "oneOf": .array(schemas + [.object(["type": .string("null")])]),
            ]
        case .form(_, let schemas):
            members = ["oneOf": .array(schemas + [.object(["type": .string("null")])])]
        case .choice(let names): members = ["type": .string("string"), "enum": .array(names.map { .string($0) })]
        case .integerChoice(let numbers):
            members = ["type": .string("integer"), "enum": .array(numbers.map { .integer($0) })]
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
        case .object: members = ["type": .string("object")]
        case .numbersByName(let range):
            members = ["type": .string("object"), "additionalProperties": .object(Self.number(range))]
        case .adapters: members = ["type": .string("array"), "items": Self.adapter]
        }
        if fallback == .null, let type = members["type"], type.string != nil {
            members["type"] = .array([type, .string("null")])
            if case .choice(let names) = kind { members["enum"] = .array(names.map { .string($0) } + [.null]) }
        }
        if fallback != .number(-.infinity) { members["default"] = fallback }
        members["description"] = .string(documentation)
        return members
    }

    /// The expected value, for messages.
    package var expectation: String {
        let null = fallback == .null ? " or null" : ""
        switch kind {
        case .boolean: return "true or false\(null)"
        case .integer(let range): return "an integer from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .number(let range): return "a number from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .choice(let names): return names.map { "\"\($0)\"" }.joined(separator: " or ") + null
        case .integerChoice(let numbers): return numbers.map(String.init).joined(separator: " or ") + null
        case .choices(let names):
            return "an array with one or more of \(names.map { "\"\($0)\"" }.joined(separator: ", ")), each once\(null)"
        case .integers(let range): return "an array of integers from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .numbers(let range): return "an array of numbers from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .vector(let count, let range):
            return "an array of \(count) numbers from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .vectors(let count, let range):
            return "an array of arrays of \(count) numbers from \(range.lowerBound) to \(range.upperBound)\(null)"
        case .classNamed(let what, _):
            return "the name of a \(what), or an object with its \"_class_name\" and fields\(null)"
        case .form(let forms, _): return forms + null
        case .text: return "a string\(null)"
        case .seeds: return "an integer from 0 to \(UInt64.max), or an array of such integers"
        case .texts: return "an object of strings"
        case .object: return "an object"
        case .numbersByName(let range):
            return "an object of numbers from \(range.lowerBound) to \(range.upperBound)"
        case .adapters:
            let range = AdapterRequest.scales
            return "an array of paths, or of objects with \"path\", \"scale\" (a number from \(range.lowerBound) to "
                + "\(range.upperBound)) and \"name\""
        }
    }

    /// Whether a value has the kind and the range.
    package func accepts(_ value: JSONValue) -> Bool {
        if value == .null { return fallback == .null }
        switch kind {
        case .boolean: return value.bool != nil
        case .integer(let range): return value.integer.map { range.contains($0) } ?? false
        case .number(let range): return value.number.map { range.contains($0) } ?? false
        case .choice(let names): return value.string.map { names.contains($0) } ?? false
        case .integerChoice(let numbers): return value.integer.map { numbers.contains($0) } ?? false
        case .choices(let names):
            let chosen = value.array?.compactMap(\.string) ?? []
            return !chosen.isEmpty && chosen.count == value.array?.count && Set(chosen).count == chosen.count
                && chosen.allSatisfy { names.contains($0) }
        case .integers(let range):
            guard let numbers = value.array, !numbers.isEmpty || value == fallback else { return false }
            return numbers.allSatisfy { $0.integer.map { range.contains($0) } ?? false }
        case .numbers(let range):
            guard let numbers = value.array, !numbers.isEmpty || value == fallback else { return false }
            return numbers.allSatisfy { $0.number.map { range.contains($0) } ?? false }
        case .vector(let count, let range): return Self.isVector(value, count, range)
        case .vectors(let count, let range):
            guard let vectors = value.array, !vectors.isEmpty else { return false }
            return vectors.allSatisfy { Self.isVector($0, count, range) }
        case .classNamed:
            guard let members = value.object else { return value.string != nil }
            let names = ["_class_name", "name"].compactMap { members[$0] }
            return names.count < 2 && names.allSatisfy { $0.string != nil }
        case .form: return value.string != nil || value.object != nil
        case .text: return value.string != nil
        case .seeds:
            if let seeds = value.array { return !seeds.isEmpty && seeds.allSatisfy { $0.unsigned != nil } }
            return value.unsigned != nil
        case .object: return value.object != nil
        case .numbersByName(let range):
            guard let members = value.object else { return false }
            return members.values.allSatisfy { $0.number.map { range.contains($0) } ?? false }
        case .adapters: return value.array?.allSatisfy { AdapterRequest($0) != nil } ?? false
        case .texts: return value.object.map { $0.values.allSatisfy { $0.string != nil } } ?? false
        }
    }
}
