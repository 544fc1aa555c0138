import PixArtStorage

/// A JSON value.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer above `Int64.max`, such as a seed.
    case unsigned(UInt64)
    /// Any other number: with a fraction or exponent, beyond 64 bits, or NaN, Infinity and -Infinity as Python
    /// writes them.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Name: JSONValue])

    /// Reads the whole JSON file at `path`. Fails with `.file`, `.memory` and `.format` naming the path. Fails
    /// with `.format` too if it has more than `maximumBytes`: a configuration has a few thousand.
    package static func load(
        path: String, dialect: JSONDialect = .python, maximumBytes: Int = 4 << 20
    ) throws(PixArtError) -> JSONValue {
        let file = try MappedFile(path: path)
        try FileKind.refuse(file, expected: "JSON")
        guard file.bytes.count <= maximumBytes else {
            throw .format("\(path): \(file.bytes.count) bytes of JSON; expected at most \(maximumBytes)")
        }
        return try JSONValue(parsing: file.bytes, source: path, dialect: dialect)
    }

    /// The member called `key`; nil for values other than objects.
    package subscript(key: String) -> JSONValue? { object?[key] }

    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    package var string: String? { if case .string(let value) = self { value } else { nil } }

    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    package var object: [Name: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// The value of an integer of at most `Int64.max`.
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// The value of an integer of at least 0.
    package var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    /// The value of any number. An integer beyond 2^53 is rounded to the nearest double.
    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The kind of the value, for messages: "a string", "an integer", ...
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .unsigned: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
