import PixArtStorage

/// Writes a safetensors file in little memory: first the header, from names, types and shapes, then the elements of
/// each tensor in pieces of any size. Not thread-safe.
package final class SafetensorsWriter {
    /// A tensor to write: row-major, little-endian.
    package struct Entry: Sendable {
        package let name: String
        package let type: ElementType
        package let shape: [Int]

        package init(name: String, type: ElementType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    /// A tensor with its elements: as many bytes as `shape` and `type` require.
    package typealias Tensor = (name: String, type: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer)

    private let file: AtomicFile
    /// Range in the file of each tensor's bytes that are not written yet.
    private var rest: [Name: Range<Int>]

    /// Writes the header of a file with these tensors and `metadata`.
    ///
    /// Tensors are sorted by falling element size and then by name, so each is aligned to its elements. The first
    /// one starts at a cache line. Fails with `.argument` naming the tensor if two have one name, if one is called
    /// "__metadata__", if a name contains a NUL, or if a shape is invalid. Fails with `.file`.
    package init(
        _ file: AtomicFile, _ entries: [Entry], metadata: [Name: String] = [:]
    ) throws(PixArtError) {
        self.file = file
        let (header, places) = try Self.header(of: entries, metadata: metadata)
        rest = places
        try header.withUnsafeBufferPointer { bytes throws(PixArtError) in try file.write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Appends `bytes` to the tensor called `name`. Tensors can be written in any order. Fails with `.argument`
    /// naming the tensor if it is not in the header or `bytes` are too many. Fails with `.file`.
    package func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws(PixArtError) {
        guard let room = rest[name] else {
            throw .argument("tensor \"\(name)\" is not in the header; expected one of its tensors")
        }
        guard bytes.count <= room.count else {
            throw .argument("tensor \"\(name)\": \(bytes.count) bytes more; expected at most \(room.count)")
        }
        try file.write(bytes, at: room.lowerBound)
        rest[name] = room.dropFirst(bytes.count)
    }

    /// Completes the tensors. The file can then be committed. Fails with `.argument` naming an incomplete tensor.
    package func finish() throws(PixArtError) {
        guard let (name, room) = rest.filter({ !$0.value.isEmpty }).min(by: { $0.key < $1.key }) else { return }
        throw .argument("tensor \"\(name)\": \(room.count) bytes were not written; expected all")
    }

    /// Writes `tensors` and `metadata` to `path` and replaces the file there when all is written. Fails as above,
    /// and with `.argument` if bytes and shape do not match.
    package static func write(path: String, tensors: [Tensor], metadata: [Name: String] = [:]) throws(PixArtError) {
        let entries = tensors.map { Entry(name: $0.name, type: $0.type, shape: $0.shape) }
        for (tensor, entry) in zip(tensors, entries) where entry.size != tensor.bytes.count {
            throw .argument(
                "tensor \"\(entry.name)\": \(tensor.bytes.count) bytes; expected those of \(entry.description)")
        }
        let file = try AtomicFile(path: path)
        let writer = try SafetensorsWriter(file, entries, metadata: metadata)
        for tensor in tensors { try writer.write(tensor.bytes, to: tensor.name) }
        try writer.finish()
        try file.commit()
    }

    /// The header: eight bytes with its size, and JSON padded with spaces to a multiple of 8 bytes. Also the range
    /// in the file of each tensor's bytes.
    private static func header(
        of entries: [Entry], metadata: [Name: String]
    ) throws(PixArtError) -> (bytes: [UInt8], places: [Name: Range<Int>]) {
        var members: [Name: JSONValue] = [:]
        var places: [Name: Range<Int>] = [:]
        if !metadata.isEmpty { members["__metadata__"] = .object(metadata.mapValues { .string($0) }) }
        var start = 0
        for entry in entries.sorted(by: { ($1.type.size, Name($0.name)) < ($0.type.size, Name($1.name)) }) {
            guard entry.name != "__metadata__", !entry.name.utf8.contains(0) else {
                throw .argument(
                    "tensor \"\(entry.name)\": a name that cannot be written; expected one without NUL other than \"__metadata__\""
                )
            }
            guard places[entry.name] == nil else {
                throw .argument("tensor \"\(entry.name)\" is there twice; expected different names")
            }
            guard let size = entry.size, case let (end, overflow) = start.addingReportingOverflow(size), !overflow
            else {
                throw .argument(
                    "tensor \"\(entry.name)\": \(entry.description) cannot be written; expected a shape whose bytes can be counted"
                )
            }
            places[entry.name] = start..<end
            members[entry.name] = .object([
                "dtype": .string(entry.type.rawValue),
                "shape": .array(entry.shape.map { .integer(Int64($0)) }),
                "data_offsets": .array([.integer(Int64(start)), .integer(Int64(end))]),
            ])
            start = end
        }
        var json = Array(JSONValue.object(members).serialized().utf8)
        while (8 + json.count) % 64 != 0 { json.append(UInt8(ascii: " ")) }
        let size = UInt64(json.count)
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + json
        return (bytes, places.mapValues { $0.lowerBound + bytes.count..<$0.upperBound + bytes.count })
    }
}

extension SafetensorsWriter.Entry {
    /// Bytes of the elements; nil if a dimension is negative or on overflow.
    package var size: Int? {
        guard let count = shape.elementCount else { return nil }
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        return overflow ? nil : size
    }

    fileprivate var description: String { "shape \(shape) of \(type.rawValue)" }
}
