import PixArtCompute
import PixArtFormats
import PixArtStorage

/// What a model on disk is, without its weights being read.
package enum Inspection {
    /// The report for what `model` leads to. A part that cannot be opened has the reason under "error". Fails with
    /// `.file`, `.format` and `.model` if nothing is there that has parts.
    package static func report(model: String, _ options: InspectOptions) throws(PixArtError) -> JSONValue {
        let checkpoint = try Checkpoint(model: model, options.source)
        var parts: [Name: JSONValue] = [:]
        for part in Part.allCases where checkpoint.contains(part) {
            do { parts[part.rawValue] = .object(try report(part, of: checkpoint, model, options)) } catch {
                parts[part.rawValue] = .object(["error": .string(error.message)])
            }
        }
        if parts.isEmpty {
            // The reason is that of the first part.
            _ = try checkpoint.weights(.transformer)
        }
        return .object([
            "path": .string(checkpoint.location.path),
            "kind": .string(checkpoint.location.kind),
            "pipeline": .string(checkpoint.pipeline.rawValue),
            "parts": .object(parts),
        ])
    }

    private static func report(
        _ part: Part, of checkpoint: Checkpoint, _ model: String, _ options: InspectOptions
    ) throws(PixArtError) -> [Name: JSONValue] {
        let weights = try checkpoint.weights(part)
        var types: [Name: Int64] = [:]
        var (parameters, bytes) = (0, 0)
        for name in weights.names {
            guard let stored = try? weights[name] else { continue }
            types[Name(stored.type.rawValue), default: 0] += 1
            bytes += stored.bytes.count
            if !name.hasSuffix("_scale") { parameters += stored.shape.elementCount ?? 0 }
        }
        var memory: [Name: JSONValue] = [:]
        var report = try checkpoint.origin(part).json
        for stage in Stage.allCases where stage.part == part {
            do {
                let estimate = try Estimate.report(checkpoint, MemoryEstimateOptions(stage, options.source))
                memory[stage.rawValue] = estimate.memory.json
                report["architecture"] = .object(estimate.architecture)
                report["ignored_tensors"] = .array(
                    estimate.ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) })
            } catch {
                memory[stage.rawValue] = .object(["error": .string(error.message)])
            }
        }
        if part == .controlNet { report["architecture"] = .object(try ControlNetDescription(checkpoint).architecture) }
        report["files"] = .array(
            ((checkpoint.configurationPath(part).map { [$0] } ?? []) + weights.paths).map { .string($0) })
        report["types"] = .object(types.mapValues { .integer($0) })
        report["parameters"] = .integer(Int64(parameters))
        report["bytes"] = .integer(Int64(bytes))
        report["memory"] = .object(memory)
        return report
    }
}

/// The options of `pixart_inspect`.
package struct InspectOptions: VerbOptions {
    package static let verb = "inspect"

    let source: SourceOptions

    package init(_ reader: inout OptionReader) { source = SourceOptions(&reader) }
}
