import PixArtStorage

/// The header of a safetensors file: the position of each tensor. Eight bytes contain the size of the JSON that
/// follows, and then the bytes of the tensors.
struct SafetensorsHeader {
    /// A tensor of a file.
    struct Entry {
        /// The type as written, which may be no `ElementType`.
        let type: String
        let shape: [Int]
        /// Range of its bytes in the file.
        let bytes: Range<Int>
    }

    let metadata: [Name: String]
    let entries: [Name: Entry]

    /// The largest header, in bytes. The reference reads six times as much, but ten thousand tensors, more than
    /// any of these networks has, need only one of these megabytes.
    private static let largest = 16 << 20

    /// Bits of an element of each type of the format.
    private static let bits = [
        "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
        "U16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "I8": 8, "U8": 8,
        "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
    ]

    /// Reads and checks the header of `file`. Afterwards every byte after the header belongs to exactly one
    /// tensor, and each tensor has as many bytes as its shape and type require. The size of a tensor of unknown
    /// type is not checked.
    ///
    /// Fails with `.format` naming the file and the tensor.
    init(_ file: MappedFile) throws(PixArtError) {
        try FileKind.refuse(file, expected: "a safetensors file")
        let json = try SafetensorsHeader.json(of: file)
        let value = try JSONValue(parsing: json, source: "\(file.path): header", dialect: .strict)
        guard let members = value.object else {
            throw .format("\(file.path): the header is \(value.kind); expected an object")
        }
        let start = 8 + json.count
        var metadata: [Name: String] = [:]
        var entries: [Name: Entry] = [:]
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if name == "__metadata__" {
                metadata = try SafetensorsHeader.metadata(member, path: file.path)
            } else {
                let fault = { (reason: String) in PixArtError.format("\(file.path): tensor \"\(name)\": \(reason)") }
                entries[name] = try Entry(member, start: start, end: file.bytes.count, fault: fault)
            }
        }
        self.metadata = metadata
        self.entries = entries
        try checkLayout(start: start, file: file)
    }

    private static func json(of file: MappedFile) throws(PixArtError) -> UnsafeRawBufferPointer {
        let count = file.bytes.count
        guard count >= 8 else {
            throw .format(
                "\(file.path): not a safetensors file: \(count) bytes; expected at least the 8 of the header's size")
        }
        let size = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        guard size > 0, size <= UInt64(largest) else {
            throw .format("\(file.path): not a safetensors file: a header of \(size) bytes; expected 1 to \(largest)")
        }
        guard size <= UInt64(count - 8) else {
            throw .format("\(file.path): truncated: \(count - 8) bytes of the header are there; expected \(size)")
        }
        let json = UnsafeRawBufferPointer(rebasing: file.bytes[8..<8 + Int(size)])
        guard json[0] == UInt8(ascii: "{") else {
            throw .format("\(file.path): not a safetensors file: the header starts with another byte; expected \"{\"")
        }
        return json
    }

    private static func metadata(_ value: JSONValue, path: String) throws(PixArtError) -> [Name: String] {
        if value == .null { return [:] }
        guard let members = value.object else {
            throw .format("\(path): __metadata__ is \(value.kind); expected an object")
        }
        var metadata: [Name: String] = [:]
        for (key, member) in members {
            guard let text = member.string else {
                throw .format("\(path): __metadata__: \"\(key)\" is \(member.kind); expected a string")
            }
            metadata[key] = text
        }
        return metadata
    }

    /// Checks that tensors have no overlaps and no gaps.
    private func checkLayout(start: Int, file: MappedFile) throws(PixArtError) {
        let ordered = entries.sorted {
            ($0.value.bytes.lowerBound, $0.value.bytes.upperBound) < (
                $1.value.bytes.lowerBound, $1.value.bytes.upperBound
            )
        }
        var end = start
        var last: Name = ""
        for (name, entry) in ordered {
            guard entry.bytes.lowerBound >= end else {
                throw .format("\(file.path): tensors \"\(last)\" and \"\(name)\" overlap; expected separate bytes")
            }
            guard entry.bytes.lowerBound == end else {
                throw .format(
                    "\(file.path): bytes \(end) ..< \(entry.bytes.lowerBound), before tensor \"\(name)\", belong to no tensor; expected no gaps"
                )
            }
            end = entry.bytes.upperBound
            last = name
        }
        guard end == file.bytes.count else {
            throw .format(
                "\(file.path): bytes \(end) ..< \(file.bytes.count), at the end, belong to no tensor; expected no gaps")
        }
    }
}

extension SafetensorsHeader.Entry {
    /// Reads the entry of one tensor, whose bytes lie in `start ..< end` of the file.
    fileprivate init(_ value: JSONValue, start: Int, end: Int, fault: (String) -> PixArtError) throws(PixArtError) {
        guard let members = value.object else { throw fault("is described by \(value.kind); expected an object") }
        for key in members.keys.sorted() where !["dtype", "shape", "data_offsets"].contains(key) {
            throw fault("unknown key \"\(key)\"; expected dtype, shape and data_offsets")
        }
        guard let type = members["dtype"]?.string else {
            throw fault("dtype is \(members["dtype"]?.kind ?? "missing"); expected a string")
        }
        let shape = try Self.counts(members["shape"], key: "shape", fault: fault)
        let offsets = try Self.counts(members["data_offsets"], key: "data_offsets", fault: fault)
        guard offsets.count == 2 else { throw fault("data_offsets has \(offsets.count) elements; expected 2") }
        guard offsets[0] <= offsets[1] else { throw fault("data_offsets \(offsets) are reversed") }
        guard offsets[1] <= end - start else {
            throw fault(
                "data_offsets \(offsets) end beyond the file, which has \(end - start) bytes of tensors; an "
                    + "interrupted download ends so")
        }
        if let bits = SafetensorsHeader.bits[type] {
            let size = offsets[1] - offsets[0]
            guard let expected = Self.bytes(of: shape, bits: bits) else {
                throw fault("shape \(shape) of \(type) has more bytes than can be counted")
            }
            guard size == expected else {
                throw fault("data_offsets \(offsets) hold \(size) bytes; shape \(shape) of \(type) takes \(expected)")
            }
        }
        self.type = type
        self.shape = shape
        bytes = start + offsets[0]..<start + offsets[1]
    }

    /// An array of integers of at least 0.
    private static func counts(_ value: JSONValue?, key: String, fault: (String) -> PixArtError) throws(PixArtError)
        -> [Int]
    {
        guard let elements = value?.array else {
            throw fault("\(key) is \(value?.kind ?? "missing"); expected an array")
        }
        var counts: [Int] = []
        for element in elements {
            guard let count = element.integer, count >= 0 else {
                throw fault("\(key) holds \(element.serialized()); expected integers from 0 to \(Int.max)")
            }
            counts.append(Int(count))
        }
        return counts
    }

    /// Bytes of a dense array, rounded up; nil on overflow.
    private static func bytes(of shape: [Int], bits: Int) -> Int? {
        guard let elements = shape.elementCount else { return nil }
        let (count, overflow) = elements.multipliedReportingOverflow(by: bits)
        return overflow ? nil : count / 8 + (count % 8 == 0 ? 0 : 1)
    }
}
