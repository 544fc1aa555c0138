import PixArtStorage

/// A GGUF file, mapped: a list of keys and values, a list of tensors, and the tensors' blocks. Opening reads the two
/// lists; a tensor's pages are read when they are touched.
package final class GGUFFile: WeightSource {
    /// A tensor of the list.
    struct Entry {
        let type: UInt32
        /// Outermost dimension first, as everywhere in the library; the file has them the other way round.
        let shape: [Int]
        /// Where its bytes are in the file; nil if the type is not known.
        let bytes: Range<Int>?
    }

    package let values: GGUFValues
    private let file: MappedFile
    private let entries: [Name: Entry]

    /// Maps the file at `path`. Fails with `.file`; with `.format` naming the file, the key or the tensor if the file is
    /// truncated, malformed or inconsistent; and with `.model` if it is a part of a split file. Time is linear in the
    /// lists.
    package init(path: String) throws(PixArtError) {
        file = try MappedFile(path: path)
        var reader = GGUFReader(file)
        let (tensors, keys) = try reader.counts()
        values = try reader.values(keys)
        entries = try reader.entries(tensors, values)
    }

    /// The file's path.
    package var location: String { file.path }

    package var names: [String] { entries.keys.map(\.text) }

    package func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// The tensor called `name`, or nil if the file has none. Fails with `.model` if its type is not an `ElementType`.
    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard let entry = entries[name] else { return nil }
            guard let type = GGUFFile.types[entry.type], let bytes = entry.bytes else {
                let found = GGUFFile.otherTypes[entry.type] ?? "number \(entry.type)"
                let known = GGUFFile.types.sorted { $0.key < $1.key }.map(\.value.rawValue).joined(separator: ", ")
                throw .model(
                    "\(location): tensor \"\(name)\": type \(found) is not supported; expected one of \(known)")
            }
            return StoredTensor(
                name: name, type: type, shape: entry.shape, bytes: UnsafeRawBufferPointer(rebasing: file.bytes[bytes]),
                file: file)
        }
    }

    /// Types that are read, by their numbers.
    static let types: [UInt32: ElementType] = [
        0: .float32, 1: .float16, 2: .q4_0, 3: .q4_1, 6: .q5_0, 7: .q5_1, 8: .q8_0, 10: .q2K, 11: .q3K, 12: .q4K,
        13: .q5K, 14: .q6K, 20: .iq4NL, 23: .iq4XS, 24: .int8, 30: .bfloat16,
    ]

    /// Types that are refused by name.
    private static let otherTypes: [UInt32: String] = [
        9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
        25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
        41: "Q1_0",
    ]
}

/// The keys and values of a GGUF file. Arrays stay in the mapped file until they are asked for.
package struct GGUFValues: Sendable {
    enum Value: Sendable {
        case number(Double)
        case integer(Int64)
        case text(String)
        case array(element: UInt32, count: Int, bytes: Range<Int>)
    }

    let file: MappedFile
    var members: [Name: Value] = [:]

    package func string(_ key: String) -> String? {
        if case .text(let text)? = members[key] { text } else { nil }
    }

    package func integer(_ key: String) -> Int? {
        if case .integer(let number)? = members[key] { Int(number) } else { nil }
    }

    package func number(_ key: String) -> Double? {
        switch members[key] {
        case .number(let number)?: number
        case .integer(let number)?: Double(number)
        default: nil
        }
    }

    /// The bytes of an array of i8 or u8.
    package func bytes(_ key: String) -> UnsafeRawBufferPointer? {
        guard case .array(0...1, _, let range)? = members[key] else { return nil }
        return UnsafeRawBufferPointer(rebasing: file.bytes[range])
    }

    package func floats(_ key: String) -> [Float]? {
        guard case .array(6, let count, let range)? = members[key] else { return nil }
        return (0..<count).map {
            Float(bitPattern: file.bytes.loadUnaligned(fromByteOffset: range.lowerBound + 4 * $0, as: UInt32.self))
        }
    }

    package func integers(_ key: String) -> [Int]? {
        guard case .array(4...5, let count, let range)? = members[key] else { return nil }
        return (0..<count).map {
            Int(file.bytes.loadUnaligned(fromByteOffset: range.lowerBound + 4 * $0, as: Int32.self))
        }
    }

    /// Where in the file each text of an array is.
    package func texts(_ key: String) -> [UnsafeRawBufferPointer]? {
        guard case .array(8, let count, let range)? = members[key] else { return nil }
        var (texts, place) = ([UnsafeRawBufferPointer](), range.lowerBound)
        texts.reserveCapacity(count)
        for _ in 0..<count {
            let size = Int(file.bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            texts.append(UnsafeRawBufferPointer(rebasing: file.bytes[place + 8..<place + 8 + size]))
            place += 8 + size
        }
        return texts
    }
}

/// Reads the lists of a GGUF file from its start on.
private struct GGUFReader {
    private let file: MappedFile
    private var place = 0

    init(_ file: MappedFile) { self.file = file }

    private func fault(_ reason: String) -> PixArtError { .format("\(file.path): \(reason)") }

    /// Elements of an array and bytes of a text, at most.
    private static let most = 1 << 30

    // MARK: Elements

    /// The next number.
    private mutating func next<Number: FixedWidthInteger>(_ type: Number.Type) throws(PixArtError) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= file.bytes.count - place else {
            throw fault("truncated: ends within its lists, at byte \(file.bytes.count)")
        }
        defer { place += size }
        return Number(littleEndian: file.bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    }

    /// The next text's bytes.
    private mutating func text(_ what: @autoclosure () -> String) throws(PixArtError) -> Range<Int> {
        let size = try next(UInt64.self)
        guard size <= UInt64(Self.most), size <= UInt64(file.bytes.count - place) else {
            throw fault(
                "truncated: \(what()) has \(size) bytes at byte \(place), of which \(file.bytes.count - place) are there"
            )
        }
        defer { place += Int(size) }
        return place..<place + Int(size)
    }

    private func string(_ range: Range<Int>) -> String { String(decoding: file.bytes[range], as: UTF8.self) }

    // MARK: Lists

    /// The numbers of tensors and of keys.
    mutating func counts() throws(PixArtError) -> (tensors: Int, keys: Int) {
        guard file.bytes.prefix(4).elementsEqual("GGUF".utf8) else { throw fault("not a GGUF file") }
        place = 4
        let version = try next(UInt32.self)
        guard version & 0xFFFF != 0 else { throw fault("a big-endian GGUF file; expected a little-endian one") }
        guard version == 2 || version == 3 else {
            throw fault("version \(version) of GGUF; expected version 2 or 3")
        }
        let (tensors, keys) = (try next(Int64.self), try next(Int64.self))
        // The shortest entries take 24 and 13 bytes.
        guard 0...Int64(file.bytes.count / 24) ~= tensors, 0...Int64(file.bytes.count / 13) ~= keys else {
            throw fault("\(tensors) tensors and \(keys) keys; expected as many as \(file.bytes.count) bytes can hold")
        }
        return (Int(tensors), Int(keys))
    }

    mutating func values(_ count: Int) throws(PixArtError) -> GGUFValues {
        var values = GGUFValues(file: file)
        for index in 0..<count {
            let key = string(try text("key \(index)"))
            let type = try next(UInt32.self)
            guard values.members[key] == nil else { throw fault("key \"\(key)\" is there twice; expected once") }
            values.members[key] = try value(of: type, key)
        }
        if let parts = values.integer("split.count"), parts > 1 {
            throw .model(
                "\(file.path): is one of \(parts) parts of a GGUF file; expected a whole one: merge them with "
                    + "llama-gguf-split --merge")
        }
        return values
    }

    private mutating func value(of type: UInt32, _ key: String) throws(PixArtError) -> GGUFValues.Value {
        switch type {
        case 0: return .integer(Int64(try next(UInt8.self)))
        case 1: return .integer(Int64(try next(Int8.self)))
        case 2: return .integer(Int64(try next(UInt16.self)))
        case 3: return .integer(Int64(try next(Int16.self)))
        case 4: return .integer(Int64(try next(UInt32.self)))
        case 5: return .integer(Int64(try next(Int32.self)))
        case 6: return .number(Double(Float(bitPattern: try next(UInt32.self))))
        case 7: return .integer(Int64(try next(UInt8.self)))
        case 8: return .text(string(try text("the text of key \"\(key)\"")))
        case 9: return try array(key)
        case 10:
            let number = try next(UInt64.self)
            return Int64(exactly: number).map { .integer($0) } ?? .number(Double(number))
        case 11: return .integer(try next(Int64.self))
        case 12: return .number(Double(bitPattern: try next(UInt64.self)))
        default: throw fault("key \"\(key)\" is of type \(type); expected 0 to 12")
        }
    }

    private mutating func array(_ key: String) throws(PixArtError) -> GGUFValues.Value {
        let sizes: [UInt32: Int] = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]
        let (element, count) = (try next(UInt32.self), try next(UInt64.self))
        guard count <= UInt64(Self.most) else {
            throw fault("key \"\(key)\" is an array of \(count); expected at most \(Self.most)")
        }
        let start = place
        if element == 8 {
            for index in 0..<Int(count) { _ = try text("text \(index) of key \"\(key)\"") }
        } else if let size = sizes[element] {
            guard Int(count) * size <= file.bytes.count - place else {
                throw fault("truncated: key \"\(key)\" is an array of \(count) at byte \(place)")
            }
            place += Int(count) * size
        } else {
            throw fault("key \"\(key)\" is an array of type \(element); expected 0 to 8 or 10 to 12")
        }
        return .array(element: element, count: Int(count), bytes: start..<place)
    }

    mutating func entries(_ count: Int, _ values: GGUFValues) throws(PixArtError) -> [Name: GGUFFile.Entry] {
        var found: [(name: Name, type: UInt32, shape: [Int], offset: UInt64)] = []
        var names: Set<Name> = []
        for index in 0..<count {
            let name = Name(string(try text("the name of tensor \(index)")))
            guard names.insert(name).inserted else { throw fault("tensor \"\(name)\" is there twice; expected once") }
            let dimensions = try next(UInt32.self)
            guard dimensions <= 4 else {
                throw fault("tensor \"\(name)\" has \(dimensions) dimensions; expected at most 4")
            }
            var shape: [Int] = []
            for _ in 0..<dimensions {
                let size = try next(Int64.self)
                guard size >= 0 else {
                    throw fault("tensor \"\(name)\" has a dimension of \(size); expected 0 or more")
                }
                shape.append(Int(size))
            }
            found.append((name, try next(UInt32.self), shape.reversed(), try next(UInt64.self)))
        }
        let alignment = values.integer("general.alignment") ?? 32
        guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else {
            throw fault("general.alignment is \(alignment); expected a power of two")
        }
        let start = (place + alignment - 1) / alignment * alignment
        var entries: [Name: GGUFFile.Entry] = [:]
        for (name, type, shape, offset) in found {
            entries[name] = try entry(name, type, shape, offset, from: start, alignment, values)
        }
        try checkOverlap(entries)
        return entries
    }

    private func entry(
        _ name: Name, _ type: UInt32, _ shape: [Int], _ offset: UInt64, from start: Int, _ alignment: Int,
        _ values: GGUFValues
    ) throws(PixArtError) -> GGUFFile.Entry {
        guard let known = GGUFFile.types[type] else { return .init(type: type, shape: shape, bytes: nil) }
        guard let size = known.bytes(of: shape) else {
            throw fault(
                "tensor \"\(name)\" of type \(known.rawValue) has shape \(shape); expected rows that are multiples of "
                    + "\(known.block.elements)")
        }
        guard offset % UInt64(alignment) == 0 else {
            throw fault("tensor \"\(name)\" starts at byte \(offset); expected a multiple of \(alignment)")
        }
        let room = file.bytes.count - start
        guard room >= 0, offset <= UInt64(room), size <= room - Int(offset) else {
            throw fault(
                "truncated: tensor \"\(name)\" has \(size) bytes at byte \(offset) of the tensors, of which there are "
                    + "\(max(room, 0))")
        }
        var whole = shape
        // Some programs flatten a tensor whose rows would be too short for a block.
        if let original = values.integers("comfy.gguf.orig_shape.\(name)") {
            guard original.allSatisfy({ $0 >= 0 }), original.elementCount == shape.elementCount else {
                throw fault(
                    "tensor \"\(name)\" has shape \(shape); expected as many elements as its original shape \(original)"
                )
            }
            whole = original
        }
        return .init(type: type, shape: whole, bytes: start + Int(offset)..<start + Int(offset) + size)
    }

    private func checkOverlap(_ entries: [Name: GGUFFile.Entry]) throws(PixArtError) {
        let ordered = entries.compactMap { name, entry in entry.bytes.map { (name: name, bytes: $0) } }
            .filter { !$0.bytes.isEmpty }
            .sorted { ($0.bytes.lowerBound, $0.name) < ($1.bytes.lowerBound, $1.name) }
        for (first, second) in zip(ordered, ordered.dropFirst()) where second.bytes.lowerBound < first.bytes.upperBound
        {
            throw fault("tensors \"\(first.name)\" and \"\(second.name)\" overlap")
        }
    }
}
