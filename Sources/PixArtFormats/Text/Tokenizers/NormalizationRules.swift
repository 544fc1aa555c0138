import PixArtStorage

/// SentencePiece's normalization rules (`precompiled_charsmap`): texts and their replacements.
///
/// The tables are a little-endian UInt32 with the size of a double-array trie in bytes, the trie, and the
/// NUL-terminated replacements that the trie's leaves point to. A unit of the trie gives, relative to its index, a
/// block of 256 units. The children of the unit are those units of the block whose label, the low byte with bit 31
/// clear, is their index in the block. Bit 8 means that the first unit of the block is a rule: bit 31 and the offset
/// of its replacement.
struct NormalizationRules: Sendable {
    /// Real tables have 240 KB.
    private static let maximumBytes = 4 << 20
    private static let longestReplacement = 256
    private static let longestText: Int16 = 256

    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Fails with `.format`, naming `origin`, unless every walk through the trie ends within it and every rule has
    /// a terminated replacement. Time is linear in the tables.
    init(tables: [UInt8], origin: String) throws(PixArtError) {
        guard tables.count > 4 else {
            throw .format("\(origin): normalization tables of \(tables.count) bytes; expected more than 4")
        }
        guard tables.count <= Self.maximumBytes else {
            throw .format(
                "\(origin): normalization tables of \(tables.count) bytes; expected at most \(Self.maximumBytes)")
        }
        let size = Int(Self.unit(tables, 0))
        guard size % 4 == 0, size > 0, size < tables.count - 4 else {
            throw .format(
                "\(origin): a normalization trie of \(size) bytes in tables of \(tables.count); expected a multiple of 4 "
                    + "that leaves room for replacements")
        }
        units = (1...size / 4).map { Self.unit(tables, 4 * $0) }
        replacements = Array(tables[(4 + size)...])
        guard replacements.last == 0 else {
            throw .format("\(origin): the last normalization replacement does not end; expected a NUL after it")
        }
        try checkWalks(origin)
    }

    /// The longest text that begins at `start` and has a rule: its length in bytes, and its replacement.
    func longestMatch(in text: [UInt8], from start: Int) -> (length: Int, replacement: ArraySlice<UInt8>)? {
        var match: (length: Int, offset: Int)?
        var block = block(of: 0)
        var end = start
        while end < text.count {
            let index = block ^ Int(text[end])
            guard units[index] & 0x8000_00FF == UInt32(text[end]) else { break }
            end += 1
            block = self.block(of: index)
            if units[index] & 0x100 != 0 { match = (end - start, Int(units[block] & 0x7FFF_FFFF)) }
        }
        guard let match else { return nil }
        return (match.length, replacements[match.offset...].prefix { $0 != 0 })
    }

    private static func unit(_ tables: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(tables[offset + $1]) << UInt32(8 * $1) }
    }

    private func block(of index: Int) -> Int {
        index ^ Int((units[index] >> 10) << ((units[index] & 0x200) >> 6))
    }

    /// Visits every unit that a walk can reach, once. Walks join, because equal endings share units.
    private func checkWalks(_ origin: String) throws(PixArtError) {
        /// Bytes of the longest walk from a unit. These two values mean that there is no result yet.
        let (unseen, open): (Int16, Int16) = (-1, -2)
        var ways = [Int16](repeating: unseen, count: units.count)
        var walk = [(unit: 0, block: try checkedBlock(of: 0, origin), label: 0, way: Int16(0))]
        ways[0] = open
        while var last = walk.popLast() {
            var following: Int?
            while last.label < 256, following == nil {
                let index = last.block ^ last.label
                if units[index] & 0x8000_00FF == UInt32(last.label) { following = index }
                last.label += 1
            }
            guard let following else {
                ways[last.unit] = last.way
                if !walk.isEmpty { walk[walk.count - 1].way = max(walk[walk.count - 1].way, last.way + 1) }
                continue
            }
            guard ways[following] != open else {
                throw .format("\(origin): the normalization trie has a cycle at unit \(following)")
            }
            if ways[following] >= 0 { last.way = max(last.way, ways[following] + 1) }
            walk.append(last)
            guard walk.count <= Int(Self.longestText), last.way <= Self.longestText else {
                throw .format(
                    "\(origin): a normalization rule for a text of more than \(Self.longestText) bytes; expected at most "
                        + "that many")
            }
            guard ways[following] == unseen else { continue }
            ways[following] = open
            walk.append((following, try checkedBlock(of: following, origin), 0, 0))
        }
    }

    private func checkedBlock(of index: Int, _ origin: String) throws(PixArtError) -> Int {
        let block = block(of: index)
        guard block | 0xFF < units.count else {
            throw .format(
                "\(origin): unit \(index) of the normalization trie points beyond it; expected at most "
                    + "\(units.count) units")
        }
        guard units[index] & 0x100 != 0 else { return block }
        let offset = Int(units[block] & 0x7FFF_FFFF)
        guard units[block] >> 31 == 1, offset < replacements.count else {
            throw .format("\(origin): unit \(index) of the normalization trie has no replacement; expected one")
        }
        guard replacements[offset...].prefix(Self.longestReplacement + 1).contains(0) else {
            throw .format(
                "\(origin): a normalization replacement of more than \(Self.longestReplacement) bytes; expected at most "
                    + "that many")
        }
        return block
    }
}
