internal import PixArtCompute
internal import PixArtFormats
internal import PixArtStorage

/// Named tensors in a safetensors file, such as embeddings that are kept for later runs.
public enum TensorFile {
    /// Writes tensors, and replaces the file there when all are written. Fails with `.argument` if a name is
    /// "__metadata__" or contains a NUL, and with `.file`.
    public static func write(_ tensors: [String: Tensor], to path: String) throws(PixArtError) {
        try translatingErrors { () throws(PixArtStorage.PixArtError) in
            try SafetensorsWriter.write(
                path: withoutNUL(path, "path"),
                tensors: tensors.map { name, tensor in
                    (name, tensor.elementType == .float32 ? .float32 : .uint8, tensor.shape, tensor.stored.bytes)
                })
            withExtendedLifetime(tensors) {}
        }
    }

    /// Reads tensors of the types F32, F16, BF16 and U8; those of 16 bits become float32. Fails with `.model` if one is
    /// missing or of another type, and with `.file` and `.format`.
    public static func read(_ names: [String], from path: String) throws(PixArtError) -> [String: Tensor] {
        try translatingErrors { () throws(PixArtStorage.PixArtError) in
            let file = try SafetensorsFile(path: withoutNUL(path, "path"))
            var tensors: [String: Tensor] = [:]
            for name in names {
                guard let stored = try file[name] else {
                    throw .model("\(file.location): tensor \"\(name)\" is missing; expected one of that name")
                }
                tensors[name] = Tensor(try PixArtStorage.Tensor(stored))
            }
            return tensors
        }
    }

    /// Lists the tensors of a file: type and shape by name, and the file's metadata.
    public static func list(_ path: String) throws(PixArtError) -> JSON {
        try translatingErrors { () throws(PixArtStorage.PixArtError) in
            JSON(try SafetensorsFile(path: withoutNUL(path, "path")).list)
        }
    }
}
