import PixArtCompute
import PixArtFormats
import PixArtStorage

/// The files and precisions that a handle was opened with.
package struct HandleReport: Sendable {
    /// Paths of the files that the handle uses, the configuration first.
    let files: [String]
    /// Element types in the weight files.
    let stored: Set<ElementType>
    let precision: ResolvedPrecision
    let kernels: Kernels
    let ignored: [UnusedTensors.Ignored]
    let origin: PartOrigin
    /// In the order of the option `adapters`.
    let adapters: [AdapterReport]
    /// Facts from the configuration, by the keys that it has for them.
    let architecture: [Name: JSONValue]

    /// The report as hosts get it.
    package var json: JSONValue {
        .object([
            "files": .array(files.map { .string($0) }),
            "precision": .object([
                "stored": .array(stored.map(\.rawValue).sorted().map { .string($0) }),
                "weights": .string(precision.weights?.rawValue ?? "auto"),
                "compute": .string(precision.compute.rawValue),
            ]),
            "kernels": .object(["instructions": .string(kernels.name), "blas": .bool(kernels.usesBLAS)]),
            "ignored_tensors": .array(
                ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
            "adapters": .array(adapters.map(\.json)),
            "architecture": .object(architecture),
            "source": .object(origin.json),
        ])
    }
}
