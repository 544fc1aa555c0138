import PixArtFormats
import PixArtStorage

/// What a class of diffusers is called, and its fields.
package struct SchedulerClass: Sendable {
    package let name: String
    /// The fields that have an effect here.
    let fields: [OptionSchema.Property]
    /// For fields whose values are names: names of other classes, and the name that diffusers replaces each with.
    let sisterNames: [String: [String: String]]
    /// Fields that can request something unsupported.
    let unsupportedFields: [UnsupportedSchedulerField]
}

/// The checked and complete fields of a scheduler: from a run's option, then from the checkpoint's file, then from the
/// defaults of the class, as in diffusers' `from_config`.
package struct SchedulerOptions: Sendable {
    private let values: [Name: JSONValue]
    private let overridden: Set<Name>
    private let className: String
    private let path: String

    /// Fields whose values have other names in each class. If a run names another class than its checkpoint, the
    /// file's value is used only if the class knows the name.
    private static let privateChoices: Set<String> = ["algorithm_type", "solver_type", "variance_type"]

    /// `inherits` means that the file is of the same class. `option` is a run's option. As in diffusers, a field
    /// that the file or the option lists in "_use_default_values" takes the class's default, and fields of other
    /// classes are ignored. Fails with `.model` for a value of the file and with `.option` for a value of the
    /// option, naming the key, what was found and what was expected.
    package init(
        _ type: SchedulerClass, file: ConfigurationFile?, inherits: Bool, option: [Name: JSONValue]
    ) throws(PixArtError) {
        className = type.name
        path = file?.path ?? "scheduler"
        let defaults = Self.defaults(option["_use_default_values"])
        let absent = defaults.union(Self.defaults(file?["_use_default_values"]))
        let overrides = option.filter { $0.value != .null && !defaults.contains($0.key) }
        overridden = Set(overrides.keys)
        func inherited(_ key: String) -> JSONValue? {
            guard option[key] == nil, !absent.contains(Name(key)) else { return nil }
            return file?[key].flatMap { $0 == .null ? nil : $0 }
        }
        var values: [Name: JSONValue] = [:]
        for field in type.fields {
            values[field.name] = field.fallback
            if let found = overrides[field.name] {
                let value = Self.translated(found, field.name, type)
                guard field.accepts(value) else { throw Self.invalid(field.name, found, field.expectation) }
                values[field.name] = value
            } else if let found = inherited(field.name) {
                let value = Self.translated(found, field.name, type)
                guard field.accepts(value) else {
                    if !inherits, Self.privateChoices.contains(field.name) { continue }
                    throw Self.invalid(field.name, found, field.expectation, path)
                }
                values[field.name] = value
            }
        }
        for field in type.unsupportedFields {
            if let found = overrides[field.rawValue], !field.allows(found) {
                throw Self.invalid(field.rawValue, found, field.expectation)
            }
            if let found = inherited(field.rawValue), !field.allows(found) {
                if !inherits, Self.privateChoices.contains(field.rawValue) { continue }
                throw Self.invalid(field.rawValue, found, field.expectation, path)
            }
        }
        let known = SchedulerKey.known.union(type.fields.map { Name($0.name) }).union(defaults).union(["name"])
        if let key = option.keys.sorted().first(where: { !$0.text.hasPrefix("_") && !known.contains($0) }) {
            let names = type.fields.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw .option("option \"scheduler\": \(className) has no field \"\(key)\"; expected one of \(names)")
        }
        self.values = values
    }

    /// The fields that a configuration leaves to the class.
    private static func defaults(_ list: JSONValue?) -> Set<Name> {
        Set((list?.array ?? []).compactMap { $0.string.map { Name($0) } })
    }

    /// A value as diffusers' class takes it: a sister class's name becomes its own.
    private static func translated(
        _ value: JSONValue, _ key: String, _ type: SchedulerClass
    ) -> JSONValue {
        value.string.flatMap { type.sisterNames[key]?[$0] }.map { JSONValue.string($0) } ?? value
    }

    /// For a value of a file, or of the option if `path` is nil.
    private static func invalid(
        _ key: String, _ value: JSONValue, _ expectation: String, _ path: String? = nil
    ) -> PixArtError {
        let found = "\"\(key)\" is \(value.serialized()); expected \(expectation)"
        return path.map { PixArtError.model("\($0): \(found)") } ?? .option("option \"scheduler\": \(found)")
    }

    /// Fails with `.internal` if the class does not state the field.
    private func value(_ key: String) throws(PixArtError) -> JSONValue {
        guard let value = values[key] else { throw .internal("\(className) has no field \"\(key)\"") }
        return value
    }

    /// The value as a Swift value. Fails with `.internal` if the field has another type.
    private func value<Value>(_ key: String, _ read: (JSONValue) -> Value?) throws(PixArtError) -> Value {
        guard let value = read(try value(key)) else { throw .internal("\(className) has another type of \"\(key)\"") }
        return value
    }

    package func boolean(_ key: String) throws(PixArtError) -> Bool { try value(key) { $0.bool } }
    package func integer(_ key: String) throws(PixArtError) -> Int { try value(key) { $0.integer.map { Int($0) } } }
    package func number(_ key: String) throws(PixArtError) -> Double { try value(key) { $0.number } }
    /// nil for null.
    package func optionalNumber(_ key: String) throws(PixArtError) -> Double? { try value(key).number }
    package func optionalInteger(_ key: String) throws(PixArtError) -> Int64? { try value(key).integer }
    package func numbers(_ key: String) throws(PixArtError) -> [Double]? {
        try value(key).array.map { $0.compactMap(\.number) }
    }
    package func integers(_ key: String) throws(PixArtError) -> [Int] {
        try value(key) { $0.array.map { $0.compactMap { $0.integer.map { Int($0) } } } }
    }

    package func choice<Choice: RawRepresentable>(_ key: String) throws(PixArtError) -> Choice
    where Choice.RawValue == String {
        try value(key) { $0.string.flatMap { Choice(rawValue: $0) } }
    }

    /// For a field whose value contradicts another's.
    package func conflict(_ key: String, expected: String) -> PixArtError {
        let found = "\"\(key)\" is \(values[key]?.serialized() ?? "missing"); expected \(expected)"
        return overridden.isEmpty ? .model("\(path): \(found)") : .option("option \"scheduler\": \(found)")
    }
}
