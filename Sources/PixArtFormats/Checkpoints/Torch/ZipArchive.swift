import PixArtStorage

/// A ZIP archive, mapped, whose entries are stored without compression, as `torch.save` writes it. ZIP64 is understood.
///
/// Opening reads the central directory only. Sizes in local headers are not used, since PyTorch leaves them 0.
struct ZipArchive {
    struct Entry {
        let name: Name
        /// Where its local header is in the file.
        let header: Int
        let size: Int
        /// Where in the file something else begins at the earliest.
        fileprivate(set) var limit: Int
    }

    /// Bytes of the fixed part of each record.
    private enum Fixed {
        static let local = 30
        static let central = 46
        static let end = 22
        static let locator = 20
        static let end64 = 56
    }

    let entries: [Name: Entry]
    /// The entry that the central directory lists first.
    let first: Entry?
    private let file: MappedFile

    /// Reads the central directory of `file`. Fails with `.format` naming the file and the entry if the directory is
    /// damaged or incomplete, or if an entry is compressed, encrypted, listed twice, or overlaps another.
    init(_ file: MappedFile) throws(PixArtError) {
        self.file = file
        let directory = try Directory(file)
        var position = directory.bytes.lowerBound
        var list: [Entry] = []
        for index in 0..<directory.count {
            guard position <= directory.bytes.upperBound - Fixed.central, file.bytes.has("PK\u{1}\u{2}", at: position)
            else {
                throw .format(
                    "\(file.path): byte \(position): no entry \(index) of the ZIP directory; expected "
                        + "\(directory.count) entries")
            }
            list.append(try Self.entry(file, at: &position, directory: directory.bytes))
        }
        guard position == directory.bytes.upperBound else {
            throw .format(
                "\(file.path): the ZIP directory ends at byte \(position); expected \(directory.bytes.upperBound)")
        }
        first = list.first
        entries = try Self.separate(list, end: directory.bytes.lowerBound, path: file.path)
    }

    /// Where the content of an entry is in the file. Reads its local header. Fails with `.format` naming the entry.
    func content(of entry: Entry) throws(PixArtError) -> Range<Int> {
        let start = entry.header
        guard file.bytes.has("PK\u{3}\u{4}", at: start), entry.limit - start >= Fixed.local else {
            throw .format("\(file.path): byte \(start): no local header of ZIP entry \"\(entry.name)\"")
        }
        let name = Int(file.bytes.little(UInt16.self, at: start + 26))
        let extra = Int(file.bytes.little(UInt16.self, at: start + 28))
        let content = start + Fixed.local + name + extra
        guard content + entry.size <= entry.limit else {
            throw .format(
                "\(file.path): ZIP entry \"\(entry.name)\": \(entry.size) bytes from byte \(content); expected an end "
                    + "at byte \(entry.limit) or before")
        }
        let written = file.bytes[start + Fixed.local..<start + Fixed.local + name]
        guard Name(String(decoding: written, as: UTF8.self)) == entry.name else {
            throw .format(
                "\(file.path): byte \(start): the local header belongs to another entry; expected \"\(entry.name)\"")
        }
        return content..<content + entry.size
    }

    /// Reads one entry of the directory, and moves `position` behind it.
    private static func entry(
        _ file: MappedFile, at position: inout Int, directory: Range<Int>
    ) throws(PixArtError) -> Entry {
        let bytes = file.bytes
        let start = position
        func length(_ offset: Int) -> Int { Int(bytes.little(UInt16.self, at: start + offset)) }
        let extra = start + Fixed.central + length(28)
        let comment = extra + length(30)
        let end = comment + length(32)
        guard end <= directory.upperBound else {
            throw .format("\(file.path): byte \(start): an entry of the ZIP directory ends beyond the directory")
        }
        let name = Name(String(decoding: bytes[start + Fixed.central..<extra], as: UTF8.self))
        func fault(_ reason: String) -> PixArtError { .format("\(file.path): ZIP entry \"\(name)\": \(reason)") }
        guard length(8) & 1 == 0 else { throw fault("is encrypted; expected a stored entry") }
        guard length(10) == 0 else {
            throw fault("is compressed (method \(length(10))); expected a stored entry, as torch.save writes it")
        }
        let fields = [24, 20, 42].map { UInt64(bytes.little(UInt32.self, at: start + $0)) }
        guard let wide = widened(fields, bytes, extra..<comment) else {
            throw fault("its ZIP64 field is missing or too short")
        }
        guard wide[0] == wide[1] else { throw fault("is \(wide[0]) bytes long, stored in \(wide[1])") }
        let least = UInt64(Fixed.local + extra - start - Fixed.central)
        let (header, size, limit) = (wide[2], wide[0], UInt64(directory.lowerBound))
        guard header <= limit, size <= limit - header, least <= limit - header - size else {
            throw fault("\(size) bytes from byte \(header); expected an end before the directory at byte \(limit)")
        }
        position = end
        return Entry(name: name, header: Int(header), size: Int(size), limit: Int(header + size + least))
    }

    /// 32-bit fields, those that are all ones replaced by the ZIP64 extra field; nil if it lacks one.
    private static func widened(_ fields: [UInt64], _ bytes: UnsafeRawBufferPointer, _ extra: Range<Int>) -> [UInt64]? {
        let full = UInt64(UInt32.max)
        guard fields.contains(full) else { return fields }
        var position = extra.lowerBound
        while position <= extra.upperBound - 4 {
            let kind = bytes.little(UInt16.self, at: position)
            let end = position + 4 + Int(bytes.little(UInt16.self, at: position + 2))
            guard end <= extra.upperBound else { return nil }
            position += 4
            if kind == 1 {
                var wide: [UInt64] = []
                for field in fields {
                    guard field == full else {
                        wide.append(field)
                        continue
                    }
                    guard position <= end - 8 else { return nil }
                    wide.append(bytes.little(UInt64.self, at: position))
                    position += 8
                }
                return wide
            }
            position = end
        }
        return nil
    }

    /// Checks that no two entries share bytes or a name, and finds the limit of each.
    private static func separate(_ list: [Entry], end: Int, path: String) throws(PixArtError) -> [Name: Entry] {
        var entries: [Name: Entry] = [:]
        entries.reserveCapacity(list.count)
        var limit = end
        var next: Name?
        for var entry in list.sorted(by: { ($0.header, $0.limit) > ($1.header, $1.limit) }) {
            guard entry.limit <= limit else {
                throw .format("\(path): ZIP entries \"\(entry.name)\" and \"\(next?.text ?? "")\" overlap")
            }
            entry.limit = limit
            limit = entry.header
            next = entry.name
            guard entries.updateValue(entry, forKey: entry.name) == nil else {
                throw .format("\(path): ZIP entry \"\(entry.name)\" is there twice")
            }
        }
        return entries
    }

    /// Where the central directory is.
    private struct Directory {
        let bytes: Range<Int>
        let count: Int

        /// Finds the end record, which a comment of up to 65,535 bytes may follow, and its ZIP64 twin.
        init(_ file: MappedFile) throws(PixArtError) {
            let bytes = file.bytes
            var end = bytes.count - Fixed.end
            let last = max(0, end - Int(UInt16.max))
            func isEnd(_ position: Int) -> Bool {
                bytes.has("PK\u{5}\u{6}", at: position)
                    && position + Fixed.end + Int(bytes.little(UInt16.self, at: position + 20)) == bytes.count
            }
            while end >= last, !isEnd(end) { end -= 1 }
            guard end >= last else {
                throw .format(
                    "\(file.path): truncated: no end record of a ZIP archive; an interrupted download ends so")
            }
            var fields = (
                count: UInt64(bytes.little(UInt16.self, at: end + 10)),
                size: UInt64(bytes.little(UInt32.self, at: end + 12)),
                start: UInt64(bytes.little(UInt32.self, at: end + 16))
            )
            var limit = end
            let locator = end - Fixed.locator
            if locator >= 0, bytes.has("PK\u{6}\u{7}", at: locator) {
                let place = bytes.little(UInt64.self, at: locator + 8)
                guard locator >= Fixed.end64, place <= UInt64(locator - Fixed.end64),
                    bytes.has("PK\u{6}\u{6}", at: Int(place))
                else {
                    throw .format("\(file.path): byte \(place): no ZIP64 end record; the locator at \(locator) says so")
                }
                limit = Int(place)
                fields.count = bytes.little(UInt64.self, at: limit + 32)
                fields.size = bytes.little(UInt64.self, at: limit + 40)
                fields.start = bytes.little(UInt64.self, at: limit + 48)
            }
            guard fields.start <= UInt64(limit), fields.size <= UInt64(limit) - fields.start else {
                throw .format(
                    "\(file.path): a ZIP directory of \(fields.size) bytes from byte \(fields.start); expected an end "
                        + "at byte \(limit) or before")
            }
            guard fields.count <= fields.size / UInt64(Fixed.central) else {
                throw .format(
                    "\(file.path): a ZIP directory of \(fields.size) bytes with \(fields.count) entries; expected "
                        + "\(Fixed.central) bytes or more for each")
            }
            self.bytes = Int(fields.start)..<Int(fields.start + fields.size)
            count = Int(fields.count)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian integer at any alignment. The caller checks that its bytes are there.
    func little<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Whether the bytes of `text` are there at `offset`.
    func has(_ text: StaticString, at offset: Int) -> Bool {
        guard offset >= 0, offset <= count, count - offset >= text.utf8CodeUnitCount else { return false }
        return self[offset...].starts(
            with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
