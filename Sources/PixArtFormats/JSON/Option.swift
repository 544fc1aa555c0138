import PixArtStorage

/// An option of a verb: its entry in the schema, and how its JSON becomes a Swift value.
package struct Option<Value: Sendable>: Sendable {
    package let property: OptionSchema.Property
    /// The value if a host gives none: that of `property.fallback`.
    package let fallback: Value
    /// nil for JSON of another kind, which `property` does not accept either. Fails with `.option` if it has the kind, but
    /// a part of it is not allowed.
    private let decode: @Sendable (JSONValue) throws(PixArtError) -> Value?

    private init(
        _ name: String, _ kind: OptionSchema.Kind, default fallback: Value, _ json: JSONValue, _ documentation: String,
        _ decode: @escaping @Sendable (JSONValue) throws(PixArtError) -> Value?
    ) {
        property = OptionSchema.Property(name, kind, default: json, documentation)
        self.fallback = fallback
        self.decode = decode
    }

    /// An option that is nil by default, for which hosts write null.
    private init<Wrapped>(
        _ name: String, _ kind: OptionSchema.Kind, _ documentation: String,
        _ decode: @escaping @Sendable (JSONValue) throws(PixArtError) -> Wrapped?
    ) where Value == Wrapped? {
        self.init(name, kind, default: nil, .null, documentation) { json throws(PixArtError) in
            if json == .null { return .some(nil) }
            guard let value = try decode(json) else { return nil }
            return .some(value)
        }
    }

    /// The value of JSON that a host gave. Fails with `.option` naming the key, what was found and what is allowed.
    package func value(_ json: JSONValue) throws(PixArtError) -> Value {
        guard property.accepts(json), let value = try decode(json) else {
            throw .option("option \"\(property.name)\" is \(json.serialized()), expected \(property.expectation)")
        }
        return value
    }
}

// MARK: Booleans and numbers

extension Option where Value == Bool {
    package static func boolean(_ name: String, default fallback: Bool, _ documentation: String) -> Self {
        Self(name, .boolean, default: fallback, .bool(fallback), documentation) { $0.bool }
    }
}

extension Option where Value == Bool? {
    package static func optionalBoolean(_ name: String, _ documentation: String) -> Self {
        Self(name, .boolean, documentation) { $0.bool }
    }
}

extension Option where Value == Int {
    package static func integer(
        _ name: String, _ range: ClosedRange<Int64>, default fallback: Int, _ documentation: String
    ) -> Self {
        Self(name, .integer(range), default: fallback, .integer(Int64(fallback)), documentation) {
            $0.integer.map { Int($0) }
        }
    }

    /// One of a few integers.
    package static func integer(
        _ name: String, among values: [Int64], default fallback: Int, _ documentation: String
    ) -> Self {
        Self(name, .integerChoice(values), default: fallback, .integer(Int64(fallback)), documentation) {
            $0.integer.map { Int($0) }
        }
    }
}

extension Option where Value == Int? {
    package static func optionalInteger(
        _ name: String, _ range: ClosedRange<Int64>, _ documentation: String
    ) -> Self {
        Self(name, .integer(range), documentation) { $0.integer.map { Int($0) } }
    }
}

extension Option where Value == Double {
    package static func number(
        _ name: String, _ range: ClosedRange<Double>, default fallback: Double, _ documentation: String
    ) -> Self {
        Self(name, .number(range), default: fallback, .number(fallback), documentation) { $0.number }
    }
}

extension Option where Value == Double? {
    package static func optionalNumber(
        _ name: String, _ range: ClosedRange<Double>, _ documentation: String
    ) -> Self {
        Self(name, .number(range), documentation) { $0.number }
    }
}

// MARK: Lists of numbers

extension Option where Value == [Int]? {
    package static func optionalIntegers(
        _ name: String, _ range: ClosedRange<Int64>, _ documentation: String
    ) -> Self {
        Self(name, .integers(range), documentation) { $0.array?.compactMap { $0.integer.map { Int($0) } } }
    }
}

extension Option where Value == [Double]? {
    package static func optionalNumbers(
        _ name: String, _ range: ClosedRange<Double>, _ documentation: String
    ) -> Self {
        Self(name, .numbers(range), documentation) { $0.array?.compactMap(\.number) }
    }

    /// `count` numbers.
    package static func optionalVector(
        _ name: String, count: Int, _ range: ClosedRange<Double>, _ documentation: String
    ) -> Self {
        Self(name, .vector(count, range), documentation) { $0.array?.compactMap(\.number) }
    }
}

extension Option where Value == [[Double]]? {
    /// Lists of `count` numbers.
    package static func optionalVectors(
        _ name: String, count: Int, _ range: ClosedRange<Double>, _ documentation: String
    ) -> Self {
        Self(name, .vectors(count, range), documentation) {
            $0.array?.compactMap { $0.array?.compactMap(\.number) }
        }
    }
}

extension Option where Value == (start: Double, stop: Double) {
    /// Two numbers.
    package static func interval(
        _ name: String, _ range: ClosedRange<Double>, default fallback: Value, _ documentation: String
    ) -> Self {
        let json: JSONValue = .array([.number(fallback.start), .number(fallback.stop)])
        return Self(name, .vector(2, range), default: fallback, json, documentation) {
            guard let numbers = $0.array?.compactMap(\.number), numbers.count == 2 else { return nil }
            return (numbers[0], numbers[1])
        }
    }
}

/// What a run draws its random numbers from.
package enum Seed: Equatable, Sendable {
    /// One generator for the whole batch.
    case batch(UInt64)
    /// A generator for each image.
    case images([UInt64])
}

extension Option where Value == Seed {
    package static func seed(_ name: String, default fallback: UInt64, _ documentation: String) -> Self {
        let json: JSONValue = Int64(exactly: fallback).map { .integer($0) } ?? .unsigned(fallback)
        return Self(name, .seeds, default: .batch(fallback), json, documentation) { json in
            json.array.map { .images($0.compactMap(\.unsigned)) } ?? json.unsigned.map { .batch($0) }
        }
    }
}

// MARK: Choices

extension Option where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of all cases.
    package static func choice(_ name: String, default fallback: Value, _ documentation: String) -> Self {
        choice(name, among: Array(Value.allCases), default: fallback, documentation)
    }
}

extension Option where Value: RawRepresentable, Value.RawValue == String {
    package static func choice(
        _ name: String, among values: [Value], default fallback: Value, _ documentation: String
    ) -> Self {
        Self(
            name, .choice(values.map(\.rawValue)), default: fallback, .string(fallback.rawValue), documentation
        ) { $0.string.flatMap { Value(rawValue: $0) } }
    }
}

extension Option {
    /// One of `values`; nil for "auto", the default.
    package static func automatic<Choice: RawRepresentable>(
        _ name: String, _ values: [Choice], _ documentation: String
    ) -> Self where Value == Choice?, Choice.RawValue == String {
        automatic(name, values.map(\.rawValue), documentation) { Choice(rawValue: $0) }
    }

    /// One of `names`, of which `value` makes the value; nil for "auto", the default.
    package static func automatic<Choice>(
        _ name: String, _ names: [String], _ documentation: String, _ value: @escaping @Sendable (String) -> Choice?
    ) -> Self where Value == Choice? {
        Self(name, .choice(["auto"] + names), default: nil, .string("auto"), documentation) { json in
            guard let name = json.string else { return nil }
            return name == "auto" ? .some(nil) : value(name).map { $0 }
        }
    }

    /// One of all cases; nil for null, the default.
    package static func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ documentation: String
    ) -> Self where Value == Choice?, Choice.RawValue == String {
        Self(name, .choice(Choice.allCases.map(\.rawValue)), documentation) {
            $0.string.flatMap { Choice(rawValue: $0) }
        }
    }

    /// Some of `values`, each once.
    package static func optionalChoices<Choice: RawRepresentable>(
        _ name: String, _ values: [Choice], _ documentation: String
    ) -> Self where Value == [Choice]?, Choice.RawValue == String {
        Self(name, .choices(values.map(\.rawValue)), documentation) {
            $0.array?.compactMap { $0.string.flatMap { Choice(rawValue: $0) } }
        }
    }
}

// MARK: Text and objects

extension Option where Value == String? {
    package static func optionalText(_ name: String, _ documentation: String) -> Self {
        Self(name, .text, documentation) { $0.string }
    }
}

extension Option where Value == [(keyword: String, text: String)] {
    /// Texts by their keywords, in the order of these; none by default.
    package static func texts(_ name: String, _ documentation: String) -> Self {
        Self(name, .texts, default: [], .object([:]), documentation) { json in
            json.object?.sorted { $0.key < $1.key }.compactMap { key, value in value.string.map { (key.text, $0) } }
        }
    }
}

extension Option where Value == [Name: JSONValue] {
    /// An object of any members; none by default.
    package static func object(_ name: String, _ documentation: String) -> Self {
        Self(name, .object, default: [:], .object([:]), documentation) { $0.object }
    }
}

extension Option where Value == [Name: Double] {
    /// Numbers by names; none by default.
    package static func numbersByName(
        _ name: String, _ range: ClosedRange<Double>, _ documentation: String
    ) -> Self {
        Self(name, .numbersByName(range), default: [:], .object([:]), documentation) {
            $0.object?.compactMapValues(\.number)
        }
    }
}

/// An adapter that a host wants a network to have.
package struct AdapterRequest: Equatable, Sendable {
    package let path: String
    package let scale: Double
    /// nil for what the path says.
    package let name: String?

    package init(path: String, scale: Double = 1, name: String? = nil) {
        self.path = path
        self.scale = scale
        self.name = name
    }

    package static let scales = -100.0...100.0

    /// A path, or an object with it; nil for other JSON.
    init?(_ json: JSONValue) {
        if let path = json.string {
            guard !path.isEmpty else { return nil }
            self.init(path: path)
            return
        }
        guard let members = json.object, let path = members["path"]?.string, !path.isEmpty,
            members.keys.allSatisfy({ ["path", "scale", "name"].contains($0.text) })
        else { return nil }
        let scale = members["scale"].map { $0.number.flatMap { Self.scales.contains($0) ? $0 : nil } } ?? 1
        let name = members["name"].map { $0.string.flatMap { $0.isEmpty ? nil : $0 } }
        guard let scale, name != .some(nil) else { return nil }
        self.init(path: path, scale: scale, name: name ?? nil)
    }
}

extension Option where Value == [AdapterRequest] {
    /// Adapters by their paths; none by default.
    package static func adapters(_ name: String, _ documentation: String) -> Self {
        Self(name, .adapters, default: [], .array([]), documentation) { $0.array?.compactMap { AdapterRequest($0) } }
    }
}

extension Option {
    /// Text or an object, in one of several forms that `schemas` describe and `decode` reads, or fails with `.option`
    /// naming what is not allowed; nil for null, the default.
    package static func optionalForm<Form>(
        _ name: String, _ forms: String, schemas: [JSONValue], _ documentation: String,
        _ decode: @escaping @Sendable (JSONValue) throws(PixArtError) -> Form?
    ) -> Self where Value == Form? {
        Self(name, .form(forms, schemas: schemas), documentation, decode)
    }
}

extension Option where Value == JSONValue {
    /// The name of a class, or an object with "_class_name" and its fields, which are checked when it is made; or null,
    /// the default. `schemas` are those of both forms.
    package static func className(
        _ name: String, of what: String, schemas: [JSONValue], _ documentation: String
    ) -> Self {
        Self(name, .classNamed(what, schemas: schemas), default: .null, .null, documentation) { $0 }
    }
}
