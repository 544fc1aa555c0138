import PixArtStorage

/// A memory-mapped safetensors file. Opening reads only the header. The pages of a tensor are read when they are
/// touched.
package final class SafetensorsFile: WeightSource {
    /// The texts under `__metadata__`.
    package let metadata: [Name: String]
    private let file: MappedFile
    private let entries: [Name: SafetensorsHeader.Entry]

    /// Maps the file at `path`. Fails with `.file`. Fails with `.format` naming file and tensor if the file is
    /// truncated, malformed or inconsistent: every byte must belong to exactly one tensor, whose size must match
    /// its shape and type. Time is linear in the header.
    package init(path: String) throws(PixArtError) {
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(file)
        metadata = header.metadata
        entries = header.entries
    }

    /// The file's path.
    package var location: String { file.path }

    package var names: [String] { entries.keys.map(\.text) }

    package func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// The type, as the file names it, and the shape of each tensor.
    package var list: JSONValue {
        .object(
            entries.mapValues { entry in
                .object([
                    "dtype": .string(entry.type), "shape": .array(entry.shape.map { .integer(Int64($0)) }),
                ])
            })
    }

    /// The tensor called `name`; nil if the file has none. Fails with `.model` if its type is not an
    /// `ElementType`.
    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard let entry = entries[name] else { return nil }
            guard let type = ElementType.safetensors.first(where: { $0.rawValue == entry.type }) else {
                let known = ElementType.safetensors.map(\.rawValue).joined(separator: ", ")
                throw .model(
                    "\(location): tensor \"\(name)\": type \(entry.type) is not supported; expected one of \(known)")
            }
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.bytes])
            return StoredTensor(name: name, type: type, shape: entry.shape, bytes: bytes, file: file)
        }
    }
}
