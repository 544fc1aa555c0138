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
        func integer(from least: Int64, to most: Int64) -> JSONValue {
            .object(["type": .string("integer"), "minimum": .integer(least), "maximum": .integer(most)])
        }
        let (step, count) = (integer(from: 0, to: 99_999), integer(from: 1, to: 100_000))
        func integers(_ counts: [Name: JSONValue] = [:]) -> JSONValue {
            .object(counts.merging(["type": .string("array"), "items": step]) { own, _ in own })
        }
        let preset: JSONValue = .object([
            "type": .string("string"), "enum": .array(CachePreset.allCases.map { .string($0.rawValue) }),
        ])
        return [
            preset,
            object(
                "ResidualCache", required: [],
                [
                    "blocks": integers(["minItems": .integer(2), "maxItems": .integer(2)]), "steps": integers(),
                    "prompt_steps": integers(), "guidance_start": step, "interval": count, "preset": preset,
                    "minimum_steps": count,
                ]),
            object(
                "ScheduledCache", required: ["schedule"],
                ["schedule": map(map(map(.object(["type": .string("boolean")]))))]),
        ]
    }
}
