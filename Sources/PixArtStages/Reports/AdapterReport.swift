import PixArtFormats
import PixArtStorage

/// What became of an adapter.
package struct AdapterReport: Sendable {
    let name: String
    /// As the host gave it.
    let scale: Double
    let adapter: Adapter
    /// Whether some of it is merged into the weights.
    let isFused: Bool

    /// As hosts get it.
    package var json: JSONValue {
        let updates = Array(adapter.updates.values)
        func sorted<Value: Hashable & Comparable>(_ values: [Value]) -> [Value] { Set(values).sorted() }
        return .object([
            "name": .string(name), "scale": .number(scale),
            "files": .array(adapter.paths.map { .string($0) }),
            "naming": .array(adapter.namings.map { .string($0.rawValue) }),
            "kinds": .array(sorted(updates.map(\.kind)).map { .string($0) }),
            "ranks": .array(sorted(updates.compactMap(\.rank)).map { .integer(Int64($0)) }),
            "own_scales": .array(sorted(updates.map { Double($0.scale) }).map { .number($0) }),
            "modules": .integer(Int64(updates.count)), "fused": .bool(isFused),
            "ignored_tensors": .array(
                adapter.ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
        ])
    }

    /// The strengths of a run by the adapters' numbers. Fails with `.option` if a name is unknown, or if its adapter is
    /// merged.
    static func strengths(
        _ scales: [Name: Double], of adapters: [AdapterReport]
    ) throws(PixArtError) -> [Int: Float] {
        var strengths: [Int: Float] = [:]
        for (name, scale) in scales.sorted(by: { $0.key < $1.key }) {
            guard let index = adapters.firstIndex(where: { Name($0.name) == name }) else {
                let known = adapters.map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw .option(
                    "option \"adapter_scales\" has \"\(name)\", expected names of adapters that the denoiser was opened "
                        + "with: \(known.isEmpty ? "it has none" : known)")
            }
            guard !adapters[index].isFused else {
                throw .option(
                    "option \"adapter_scales\" has \"\(name)\", which is merged into the weights; expected adapters of a "
                        + "denoiser that was opened with \"fuse_adapters\": false, and LoRA only")
            }
            strengths[index] = Float(scale)
        }
        return strengths
    }
}

extension WeightUpdate {
    /// For reports.
    fileprivate var kind: String {
        switch difference {
        case .lowRank: decomposition == nil ? "lora" : "dora"
        case .hadamard: decomposition == nil ? "loha" : "loha with dora"
        case .kronecker: decomposition == nil ? "lokr" : "lokr with dora"
        }
    }
}
