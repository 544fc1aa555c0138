import PixArtCompute

/// Writes safetensors files.
package enum SafetensorsWriter {
    /// A tensor to write: row-major, little-endian, of as many bytes as `shape` and `type` say.
    package typealias Tensor = (name: String, type: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer)

    /// Writes `tensors` and `metadata` to `path`, in place of what is there once all is written.
    ///
    /// Tensors are laid out by falling element size and then by name, so that each is aligned to its elements. Fails with
    /// `.argument` naming the tensor where two have one name, where one is called "__metadata__", where a name holds a NUL,
    /// and where bytes and shape do not fit; and with `.file`.
    package static func write(path: String, tensors: [Tensor], metadata: [String: String] = [:]) throws(PixArtError) {
        let ordered = tensors.sorted { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
        let header = try header(of: ordered, metadata: metadata)
        var file = try ReplacementFile(path: path)
        try header.withUnsafeBufferPointer { bytes throws(PixArtError) in try file.write(UnsafeRawBufferPointer(bytes))
        }
        for tensor in ordered { try file.write(tensor.bytes) }
        try file.commit()
    }

    /// The header: eight bytes of size, and JSON filled up with spaces to a multiple of 8 bytes.
    private static func header(of tensors: [Tensor], metadata: [String: String]) throws(PixArtError) -> [UInt8] {
        var members: [String: JSONValue] = [:]
        if !metadata.isEmpty { members["__metadata__"] = .object(metadata.mapValues { .string($0) }) }
        var start = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__", !tensor.name.utf8.contains(0) else {
                throw .argument("a tensor cannot be called \"\(tensor.name)\"")
            }
            guard members[tensor.name] == nil else { throw .argument("two tensors are called \"\(tensor.name)\"") }
            guard size(of: tensor) == tensor.bytes.count else {
                throw .argument(
                    "tensor \"\(tensor.name)\": \(tensor.bytes.count) bytes do not fit shape \(tensor.shape) of "
                        + tensor.type.rawValue)
            }
            let end = start + tensor.bytes.count
            members[tensor.name] = .object([
                "dtype": .string(tensor.type.rawValue),
                "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                "data_offsets": .array([.integer(Int64(start)), .integer(Int64(end))]),
            ])
            start = end
        }
        var json = Array(JSONValue.object(members).serialized().utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        let size = UInt64(json.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + json
    }

    /// Bytes of a tensor as its shape says; nil where a dimension is negative or the product cannot be counted.
    private static func size(of tensor: Tensor) -> Int? {
        var size = tensor.type.size
        for dimension in tensor.shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            if overflow || dimension < 0 { return nil }
            size = product
        }
        return size
    }
}
