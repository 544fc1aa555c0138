import PixArtStorage

/// A `config.json` of a checkpoint, read key by key.
///
/// All failures are `.model` errors that name the file, the key, what was found and what was expected. A key that is
/// missing or null takes the default of the reference's class; if there is none, it is an error.
package struct ConfigurationFile: Sendable {
    package let path: String
    private let values: [Name: JSONValue]

    /// Fails with `.file`, `.format`, or `.model` if the file does not contain an object.
    package init(path: String) throws(PixArtError) {
        let root = try JSONValue.load(path: path)
        guard let values = root.object else { throw .model("\(path): holds \(root.kind); expected an object") }
        self.path = path
        self.values = values
    }

    /// What is known of a model that has no such file. `path` is that of its weights, for messages.
    package init(path: String, _ values: [Name: JSONValue]) {
        self.path = path
        self.values = values
    }

    /// The same with other values for some keys.
    package func replacing(_ others: [Name: JSONValue]) -> ConfigurationFile {
        others.isEmpty ? self : ConfigurationFile(path: path, values.merging(others) { _, new in new })
    }

    /// All values.
    package var members: [Name: JSONValue] { values }

    /// The value of a key as it stands in the file.
    package subscript(key: String) -> JSONValue? { values[key] }

    package func string(_ key: String, default fallback: String? = nil) throws(PixArtError) -> String {
        try value(key, "a string", fallback) { $0.string }
    }

    package func boolean(_ key: String, default fallback: Bool? = nil) throws(PixArtError) -> Bool {
        try value(key, "true or false", fallback) { $0.bool }
    }

    package func integer(
        _ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) throws(PixArtError) -> Int {
        let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, expected, fallback) { value in
            value.integer.map { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package func number(
        _ key: String, in range: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(PixArtError) -> Double {
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, expected, fallback) { value in
            value.number.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package func integers(
        _ key: String, in range: ClosedRange<Int>, count: ClosedRange<Int>, default fallback: [Int]? = nil
    ) throws(PixArtError) -> [Int] {
        let expected =
            "\(count.lowerBound) to \(count.upperBound) integers from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, expected, fallback) { value in
            let integers = value.array?.compactMap { $0.integer.map { Int($0) } } ?? []
            guard integers.count == value.array?.count, count.contains(integers.count) else { return nil }
            return integers.allSatisfy(range.contains) ? integers : nil
        }
    }

    /// So many numbers.
    package func vector(_ key: String, count: Int) throws(PixArtError) -> [Double] {
        try value(key, "\(count) numbers", nil) { Self.numbers($0, count) }
    }

    /// One or more lists of so many numbers.
    package func vectors(_ key: String, count: Int) throws(PixArtError) -> [[Double]] {
        try value(key, "arrays of \(count) numbers", nil) { value in
            guard let rows = value.array, !rows.isEmpty else { return nil }
            let vectors = rows.compactMap { Self.numbers($0, count) }
            return vectors.count == rows.count ? vectors : nil
        }
    }

    private static func numbers(_ value: JSONValue, _ count: Int) -> [Double]? {
        let numbers = value.array?.compactMap(\.number).filter(\.isFinite)
        return numbers?.count == count && value.array?.count == count ? numbers : nil
    }

    /// One of the names of an enumeration.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice? = nil
    ) throws(PixArtError) -> Choice where Choice.RawValue == String {
        let expected = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return try value(key, expected, fallback) { $0.string.flatMap { Choice(rawValue: $0) } }
    }

    /// Whether the key is missing or null.
    package func isAbsent(_ key: String) -> Bool { values[key] == nil || values[key] == .null }

    /// Fails unless the key is missing or has this value, the only supported one.
    package func require(_ key: String, _ supported: JSONValue) throws(PixArtError) {
        guard let value = values[key], value != .null, value != supported else { return }
        if let number = value.number, number == supported.number { return }
        throw unsupported(key, found: value.serialized(), [supported.serialized()])
    }

    /// Fails if the weights are said to be quantized in a form that is not read.
    package func requireKnownQuantization() throws(PixArtError) {
        guard let value = values["quantization_config"], value != .null else { return }
        let method = value["quant_method"]?.string
        // Older versions of bitsandbytes do not name themselves.
        let isNamed = method != nil || value["load_in_8bit"]?.bool == nil
        guard !isNamed || Self.quantizations.contains(method ?? "") else {
            throw unsupported(
                "quantization_config", found: value.serialized(), Self.quantizations.map { "quant_method \"\($0)\"" })
        }
    }

    private static let quantizations = ["pixart", "bitsandbytes", "quanto"]

    package func unsupported(_ key: String, found: String, _ supported: [String]) -> PixArtError {
        .model("\(path): \"\(key)\" is \(found), supported: \(supported.joined(separator: ", "))")
    }

    private func value<Value>(
        _ key: String, _ expected: String, _ fallback: Value?, _ read: (JSONValue) -> Value?
    ) throws(PixArtError) -> Value {
        guard let found = values[key], found != .null else {
            guard let fallback else { throw .model("\(path): \"\(key)\" is missing; expected \(expected)") }
            return fallback
        }
        guard let value = read(found) else {
            throw .model("\(path): \"\(key)\" is \(found.serialized()); expected \(expected)")
        }
        return value
    }
}
