import PixArtCompute
import PixArtFormats

/// The fields of a scheduler, checked and completed: those of a run's option first, then those of the checkpoint's
/// file, then the defaults of the class, as diffusers' `from_config` has it.
package struct SchedulerSettings: Sendable {
    private let values: [String: JSONValue]
    private let overridden: Set<String>
    private let className: String
    private let path: String

    /// Fields whose values are names of their own in each class: a file of another class is asked only where the name
    /// is known here.
    private static let privateChoices: Set<String> = ["algorithm_type", "solver_type", "variance_type"]
    /// What diffusers has for other models: flow matching, and variance where the pipeline drops it. Only these values
    /// mean that nothing is asked for.
    private static let fixed: [String: JSONValue] = [
        "use_flow_sigmas": .bool(false), "use_dynamic_shifting": .bool(false), "variance_type": .null,
    ]
    /// What makes no difference then.
    private static let idle: Set<String> = ["flow_shift", "time_shift_type", "shift_terminal"]

    /// `inherits` says that the file is of the same class; `idle` are further fields of diffusers' class, which make no
    /// difference. Fails with `.model` for what a file says, and with `.option` for what a run says: naming the key,
    /// what was found and what is expected.
    package init(
        _ className: String, _ fields: [OptionSchema.Property], idle: Set<String>, file: ConfigurationFile?,
        inherits: Bool, _ overrides: [String: JSONValue]
    ) throws(PixArtError) {
        self.className = className
        path = file?.path ?? "scheduler"
        overridden = Set(overrides.keys)
        var values: [String: JSONValue] = [:]
        for field in fields {
            values[field.name] = field.fallback
            guard let value = file?[field.name], value != .null, overrides[field.name] == nil else { continue }
            guard field.accepts(value) else {
                if !inherits, Self.privateChoices.contains(field.name) { continue }
                throw .model("\(path): \"\(field.name)\" is \(value.serialized()), expected \(field.expectation)")
            }
            values[field.name] = value
        }
        let own = Set(fields.map(\.name))
        for (key, value) in Self.fixed where inherits && !own.contains(key) {
            guard let found = file?[key], found != .null, found != value else { continue }
            throw .model("\(path): \"\(key)\" is \(found.serialized()), supported: \(value.serialized())")
        }
        for (key, value) in overrides.sorted(by: { $0.key < $1.key }) {
            if !own.contains(key) {
                if Self.idle.contains(key) || idle.contains(key) { continue }
                if let fixed = Self.fixed[key] {
                    guard value == fixed || value == .null else {
                        throw .option(
                            "option \"scheduler\": \"\(key)\" is \(value.serialized()), expected \(fixed.serialized())")
                    }
                    continue
                }
            }
            guard let field = fields.first(where: { $0.name == key }) else {
                let known = fields.map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw .option("option \"scheduler\": \(className) has no field \"\(key)\"; its fields: \(known)")
            }
            guard value == .null || field.accepts(value) else {
                throw .option(
                    "option \"scheduler\": \"\(key)\" is \(value.serialized()), expected \(field.expectation)")
            }
            if value != .null { values[key] = value }
        }
        self.values = values
    }

    private func value(_ key: String) -> JSONValue {
        guard let value = values[key] else { preconditionFailure("\(key) is not a field of \(className)") }
        return value
    }

    package func boolean(_ key: String) -> Bool { value(key).bool ?? false }
    package func integer(_ key: String) -> Int { Int(value(key).integer ?? 0) }
    package func number(_ key: String) -> Double { value(key).number ?? 0 }
    package func optionalNumber(_ key: String) -> Double? { value(key).number }
    package func optionalInteger(_ key: String) -> Int64? { value(key).integer }
    /// nil for null.
    package func numbers(_ key: String) -> [Double]? { value(key).array.map { $0.compactMap(\.number) } }
    package func integers(_ key: String) -> [Int] { (value(key).array ?? []).compactMap { $0.integer.map { Int($0) } } }

    package func choice<Choice: RawRepresentable>(_ key: String) -> Choice where Choice.RawValue == String {
        guard let choice = value(key).string.flatMap({ Choice(rawValue: $0) }) else {
            preconditionFailure("\(key) of \(className) has a value that is no choice")
        }
        return choice
    }

    /// For a field whose value does not go with another's.
    package func conflict(_ key: String, expected: String) -> PixArtError {
        let found = "\"\(key)\" is \(value(key).serialized()), expected \(expected)"
        return overridden.isEmpty ? .model("\(path): \(found)") : .option("option \"scheduler\": \(found)")
    }
}
