internal import PixArtFormats
internal import PixArtStorage

/// A JSON value: what options of many forms take, and what reports are. Written as a literal:
///
///     options.scheduler = ["_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true]
@frozen public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// An integer above `Int.max`, such as a seed.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// The member of an object; nil if there is none, and for other values.
    public subscript(key: String) -> JSON? { object?[key] }

    /// The element of an array; nil if there is none, and for other values.
    public subscript(index: Int) -> JSON? { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    /// The value of an integer of at most `Int.max`.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The value of any number.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

extension JSON: CustomStringConvertible {
    /// The value as JSON text, with members sorted by name.
    public var description: String { value.serialized() }

    /// Reads JSON text. Fails with `.format`.
    public init(parsing text: String) throws(PixArtError) {
        self.init(
            try translatingErrors { () throws(PixArtStorage.PixArtError) in
                try JSONValue(parsing: text, source: "JSON")
            })
    }
}

// MARK: Literals

// `nil` is no literal of it: `value["key"] == nil` has to ask whether there is such a member.

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByStringLiteral {
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(stringLiteral value: String) { self = .string(value) }
}

extension JSON: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
}

extension JSON: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// The last of several equal keys counts.
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(members, uniquingKeysWith: { $1 }))
    }
}

// MARK: Values of the library

extension JSON {
    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let value): .bool(value)
            case .integer(let value): .integer(Int(value))
            case .unsigned(let value): .unsigned(value)
            case .number(let value): .number(value)
            case .string(let value): .string(value)
            case .array(let elements): .array(elements.map { JSON($0) })
            // Swift's strings are equal if they are canonically equivalent, and names are not.
            case .object(let members):
                .object(Dictionary(members.map { ($0.key.text, JSON($0.value)) }, uniquingKeysWith: { $1 }))
            }
    }

    var value: JSONValue {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(Int64(value))
        case .unsigned(let value): .unsigned(value)
        case .number(let value): .number(value)
        case .string(let value): .string(value)
        case .array(let elements): .array(elements.map(\.value))
        case .object(let members):
            .object(Dictionary(uniqueKeysWithValues: members.map { (Name($0.key), $0.value.value) }))
        }
    }
}

extension JSON: Codable {
    public init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    public func encode(to encoder: any Swift.Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let elements): try container.encode(elements)
        case .object(let members): try container.encode(members)
        }
    }
}
