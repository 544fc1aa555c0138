/// Bytes of pickles, right or wrong.
enum Pickle {
    static func size<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> (8 * Value($0))) }
    }

    /// A pickle of protocol 2.
    static func program(_ parts: [UInt8]...) -> [UInt8] { [0x80, 2] + parts.flatMap { $0 } + op(".") }

    /// Opcodes that are letters.
    static func op(_ letters: String) -> [UInt8] { Array(letters.utf8) }

    /// The same again and again.
    static func many(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        var all = bytes
        while all.count < bytes.count * count { all += all }
        return Array(all.prefix(bytes.count * count))
    }

    static func text(_ text: String) -> [UInt8] { op("X") + size(UInt32(text.utf8.count)) + Array(text.utf8) }

    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + size(Int64(value)) }

    static func global(_ module: String, _ name: String) -> [UInt8] { op("c") + Array("\(module)\n\(name)\n".utf8) }

    static func tuple(_ items: [[UInt8]]) -> [UInt8] { op("(") + items.flatMap { $0 } + op("t") }

    static func list(_ items: [[UInt8]]) -> [UInt8] { op("]") + op("(") + items.flatMap { $0 } + op("e") }

    static func dictionary(_ entries: [(String, [UInt8])]) -> [UInt8] {
        op("}") + op("(") + entries.flatMap { text($0.0) + $0.1 } + op("u")
    }

    static func storage(
        _ kind: String = "FloatStorage", key: String = "0", count: [UInt8] = integer(4), more: [[UInt8]] = []
    ) -> [UInt8] {
        tuple([text("storage"), global("torch", kind), text(key), text("cpu"), count] + more) + op("Q")
    }

    static func tensor(
        _ storage: [UInt8] = storage(), offset: [UInt8] = integer(0), shape: [UInt8] = counts(4),
        stride: [UInt8] = counts(1)
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([storage, offset, shape, stride, [0x89], global("collections", "OrderedDict") + op(")R")])
            + op("R")
    }

    static func counts(_ values: Int...) -> [UInt8] { tuple(values.map(integer)) }
}

/// Bytes of PyTorch checkpoints, right or wrong.
enum TorchBuilder {
    struct Entry {
        var name: String
        var content: [UInt8]
        var method: UInt16 = 0
        var flags: UInt16 = 0x0808
        var extra: [UInt8] = []
        /// What local and central header say, if it is not the truth.
        var localName: String?
        var size: UInt32?
        var stored: UInt32?
        var offset: UInt32?
        var centralExtra: [UInt8] = []
    }

    static func local(_ entry: Entry) -> [UInt8] {
        let name = Array((entry.localName ?? entry.name).utf8)
        return Array("PK\u{3}\u{4}".utf8) + [20, 0] + Pickle.size(entry.flags) + Pickle.size(entry.method)
            + [UInt8](repeating: 0, count: 16) + Pickle.size(UInt16(name.count))
            + Pickle.size(UInt16(entry.extra.count)) + name + entry.extra
    }

    static func central(_ entry: Entry, at offset: Int) -> [UInt8] {
        let name = Array(entry.name.utf8)
        let size = entry.size ?? UInt32(entry.content.count)
        return Array("PK\u{1}\u{2}".utf8) + [20, 0, 20, 0] + Pickle.size(entry.flags) + Pickle.size(entry.method)
            + [UInt8](repeating: 0, count: 8) + Pickle.size(entry.stored ?? size) + Pickle.size(size)
            + Pickle.size(UInt16(name.count)) + Pickle.size(UInt16(entry.centralExtra.count))
            + [UInt8](repeating: 0, count: 10) + Pickle.size(entry.offset ?? UInt32(truncatingIfNeeded: offset)) + name
            + entry.centralExtra
    }

    static func end(count: Int, size: Int, start: Int, comment: [UInt8] = []) -> [UInt8] {
        let count = Pickle.size(UInt16(truncatingIfNeeded: count))
        return Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + count + count
            + Pickle.size(UInt32(truncatingIfNeeded: size)) + Pickle.size(UInt32(truncatingIfNeeded: start))
            + Pickle.size(UInt16(comment.count)) + comment
    }

    static func end64(count: Int, size: Int, start: Int, at position: Int) -> [UInt8] {
        let record =
            Array("PK\u{6}\u{6}".utf8) + Pickle.size(UInt64(44)) + [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
            + Pickle.size(Int64(count)) + Pickle.size(Int64(count)) + Pickle.size(Int64(size))
            + Pickle.size(Int64(start))
        return record + Array("PK\u{6}\u{7}".utf8) + [0, 0, 0, 0] + Pickle.size(Int64(position)) + [1, 0, 0, 0]
    }

    static func zip(_ entries: [Entry], comment: [UInt8] = [], end64: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            directory += central(entry, at: bytes.count)
            bytes += local(entry) + entry.content
        }
        let start = bytes.count
        bytes += directory
        if end64 {
            bytes += Self.end64(count: entries.count, size: directory.count, start: start, at: bytes.count)
            return bytes + end(count: 0xFFFF, size: 0xFFFF_FFFF, start: 0xFFFF_FFFF, comment: comment)
        }
        return bytes + end(count: entries.count, size: directory.count, start: start, comment: comment)
    }

    /// Sixteen bytes of storage "0" of four elements.
    static let elements: [UInt8] = (0..<4).flatMap { Pickle.size((Float($0) + 0.5).bitPattern) }

    /// An archive whose pickle is `program`.
    static func archive(
        _ program: [UInt8], storages: [(key: String, content: [UInt8])] = [("0", elements)], more: [Entry] = []
    ) -> [UInt8] {
        zip(
            [Entry(name: "archive/data.pkl", content: program)]
                + storages.map { Entry(name: "archive/data/\($0.key)", content: $0.content) } + more)
    }

    /// An archive of one tensor, "w".
    static func one(_ tensor: [UInt8]) -> [UInt8] {
        archive(Pickle.program(Pickle.dictionary([("w", tensor)])))
    }

    static let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]

    /// The legacy form; `storages` are counts and bytes in the order of `keys`.
    static func legacy(
        _ program: [UInt8], keys: [UInt8] = Pickle.list([Pickle.text("0")]),
        storages: [UInt8] = Pickle.size(Int64(4)) + elements, version: Int = 1001, little: UInt8 = 0x88
    ) -> [UInt8] {
        magic + Pickle.program(Pickle.integer(version))
            + Pickle.program(
                Pickle.dictionary([("protocol_version", Pickle.integer(1001)), ("little_endian", [little])]))
            + program + Pickle.program(keys) + storages
    }

    static func legacyOne(_ tensor: [UInt8]) -> [UInt8] {
        legacy(Pickle.program(Pickle.dictionary([("w", tensor)])))
    }
}
