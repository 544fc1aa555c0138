internal import PixArtStages
internal import PixArtStorage

/// The options of a call. An option that is not given has its default.
///
/// Each option is a property with a type and documentation. A literal with the names of diffusers does the same:
///
///     var options = DenoiseOptions(numInferenceSteps: 30, seed: 7)
///     let same: DenoiseOptions = ["num_inference_steps": 30, "seed": 7]
///
/// The library checks them in the call: a key that it does not know, a wrong type or a value out of range is a
/// `PixArtError` with the status `.option`, and the message names the key and what is allowed. As `Codable`, options are
/// the JSON object that the C and Python interfaces take.
public protocol CallOptions: Codable, Hashable, Sendable, ExpressibleByDictionaryLiteral
where Key == String, Value == JSON {
    /// The options that are given, by their names in C and Python, such as "num_inference_steps".
    var members: [String: JSON] { get set }

    /// The defaults.
    init()
}

extension CallOptions {
    /// Options by their names in C and Python. Names are not checked before the call.
    public init(members: [String: JSON]) {
        self.init()
        self.members = members
    }

    /// The last of several equal keys counts.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self.init(members: Dictionary(members, uniquingKeysWith: { $1 }))
    }

    public init(from decoder: any Swift.Decoder) throws {
        self.init(members: try [String: JSON](from: decoder))
    }

    public func encode(to encoder: any Swift.Encoder) throws { try members.encode(to: encoder) }

    /// An option by its name in C and Python; nil removes it, so it has its default.
    public subscript(name: String) -> JSON? {
        get { members[name] }
        set { members[name] = newValue }
    }

    /// The value of an option; nil if it is not given, or is of another type.
    func read<Value: OptionValue>(_ name: String) -> Value? { members[name].flatMap { Value(option: $0) } }

    mutating func write<Value: OptionValue>(_ name: String, _ value: Value?) { members[name] = value?.option }

    /// The options as the library reads them. Fails with `.option`.
    func read<Options: VerbOptions>(_: Options.Type = Options.self) throws(PixArtStorage.PixArtError) -> Options {
        if let name = members.keys.first(where: { $0.utf8.contains(0) }) {
            throw .option("pixart_\(Options.verb) has no option \"\(name)\": it contains a NUL character")
        }
        return try Options(json: JSON.object(members).description)
    }
}

// MARK: Types of options

/// A type that an option can have.
protocol OptionValue {
    init?(option: JSON)
    var option: JSON { get }
}

extension JSON: OptionValue {
    init?(option: JSON) { self = option }
    var option: JSON { self }
}

extension Bool: OptionValue {
    init?(option: JSON) {
        guard let value = option.bool else { return nil }
        self = value
    }
    var option: JSON { .bool(self) }
}

extension Int: OptionValue {
    init?(option: JSON) {
        guard let value = option.integer else { return nil }
        self = value
    }
    var option: JSON { .integer(self) }
}

extension Double: OptionValue {
    init?(option: JSON) {
        guard let value = option.number else { return nil }
        self = value
    }
    var option: JSON { .number(self) }
}

extension String: OptionValue {
    init?(option: JSON) {
        guard let value = option.string else { return nil }
        self = value
    }
    var option: JSON { .string(self) }
}

extension Array: OptionValue where Element: OptionValue {
    init?(option: JSON) {
        guard let values = option.array?.map({ Element(option: $0) }), !values.contains(where: { $0 == nil }) else {
            return nil
        }
        self = values.compactMap(\.self)
    }
    var option: JSON { .array(map(\.option)) }
}

extension Dictionary: OptionValue where Key == String, Value: OptionValue {
    init?(option: JSON) {
        guard let values = option.object?.mapValues({ Value(option: $0) }),
            !values.values.contains(where: { $0 == nil })
        else { return nil }
        self = values.compactMapValues(\.self)
    }
    var option: JSON { .object(mapValues(\.option)) }
}

/// The values of an option that is one of several names.
protocol OptionChoice: OptionValue, RawRepresentable where RawValue == String {}

extension OptionChoice {
    init?(option: JSON) {
        guard let name = option.string else { return nil }
        self.init(rawValue: name)
    }
    var option: JSON { .string(rawValue) }
}

/// Seeds of 64 bits: one for a batch, or one for each image.
public enum Seed: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    case batch(UInt64)
    case images([UInt64])

    public init(integerLiteral value: UInt64) { self = .batch(value) }
    public init(arrayLiteral elements: UInt64...) { self = .images(elements) }
}

extension Seed: OptionValue {
    init?(option: JSON) {
        if let seeds = option.array {
            let values = seeds.compactMap { Self.seed($0) }
            guard values.count == seeds.count else { return nil }
            self = .images(values)
        } else {
            guard let seed = Self.seed(option) else { return nil }
            self = .batch(seed)
        }
    }

    var option: JSON {
        switch self {
        case .batch(let seed): Self.json(seed)
        case .images(let seeds): .array(seeds.map { Self.json($0) })
        }
    }

    private static func seed(_ value: JSON) -> UInt64? {
        switch value {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    private static func json(_ seed: UInt64) -> JSON { Int(exactly: seed).map { .integer($0) } ?? .unsigned(seed) }
}
