import PixArtFormats
import PixArtStorage

extension CacheRequest {
    /// The forms of the option.
    static var schemas: [JSONValue] {
        func object(_ title: String, required: [String], _ properties: [Name: JSONValue]) -> JSONValue {
            .object([
                "type": .string("object"), "title": .string(title), "additionalProperties": .bool(false),
                "required": .array(required.map { .string($0) }), "properties": .object(properties),
            ])
        }
        func map(_ values: JSONValue) -> JSONValue {
            .object(["type": .string("object"), "additionalProperties": values])
        }
        func integers(_ counts: [Name: JSONValue] = [:]) -> JSONValue {
            let integer: JSONValue = .object([
                "type": .string("integer"), "minimum": .integer(0), "maximum": .integer(99_999),
            ])
            return .object(counts.merging(["type": .string("array"), "items": integer]) { own, _ in own })
        }
        let count: JSONValue = .object([
            "type": .string("integer"), "minimum": .integer(1), "maximum": .integer(100_000),
        ])
        return [
            .object([
                "type": .string("string"), "enum": .array(CachePreset.allCases.map { .string($0.rawValue) }),
            ]),
            object(
                "ResidualCache", required: [],
                [
                    "blocks": integers(["minItems": .integer(2), "maxItems": .integer(2)]), "steps": integers(),
                    "interval": count, "minimum_steps": count,
                ]),
            object(
                "ScheduledCache", required: ["schedule"],
                ["schedule": map(map(map(.object(["type": .string("boolean")]))))]),
        ]
    }
}
