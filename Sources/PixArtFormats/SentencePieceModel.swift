import PixArtCompute

/// A SentencePiece model as it is handed to SentencePiece, which trusts it: its normalization tables are walked without a
/// look at bounds, and samples to test it with are reported on the standard error stream.
///
/// The file is a protocol buffer `ModelProto`: field 1 holds the pieces, one each; field 2 the trainer's settings; field 4
/// the samples; and fields 3 and 5 the settings of the normalizer and denormalizer. Field 2 in these holds the tables: a
/// little-endian UInt32 that counts the bytes of a double-array trie, the trie, and the replacements, each closed by NUL,
/// that the trie's leaves point to.
struct SentencePieceModel {
    /// A field of bytes, and the same with what goes before its content. Fields that are numbers are passed over.
    private typealias Field = (number: UInt64, content: UnsafeRawBufferPointer, whole: UnsafeRawBufferPointer)

    private let file: MappedFile

    init(_ file: MappedFile) { self.file = file }

    /// The model, checked and without samples. Fails with `.format` naming the file. Time is linear in the file.
    func checked() throws(PixArtError) -> [UInt8] {
        guard !file.bytes.isEmpty else { throw fault("the file is empty") }
        var model: [UInt8] = []
        var (hasTrainer, hasTables) = (false, false)
        for part in try fields(of: file.bytes) where part.number != 4 {
            model += part.whole
            hasTrainer = hasTrainer || part.number == 2
            guard part.number == 3 || part.number == 5 else { continue }
            for setting in try fields(of: part.content) where setting.number == 2 && !setting.content.isEmpty {
                try checkTables(setting.content)
                hasTables = hasTables || part.number == 3
            }
        }
        guard hasTrainer, hasTables else {
            throw fault("no settings of the \(hasTrainer ? "normalizer, or no tables among them" : "trainer")")
        }
        return model
    }

    private func fault(_ reason: String) -> PixArtError {
        .format("\(file.path): not a SentencePiece model: \(reason)")
    }

    /// The fields of a message.
    private func fields(of message: UnsafeRawBufferPointer) throws(PixArtError) -> [Field] {
        var rest = message[...]
        var fields: [Field] = []
        while !rest.isEmpty {
            let start = rest.startIndex
            let key = try variableInteger(&rest)
            let size: UInt64
            switch key & 7 {
            case 0:
                _ = try variableInteger(&rest)
                continue
            case 1: size = 8
            case 2: size = try variableInteger(&rest)
            case 5: size = 4
            default: throw fault("a field of unknown kind at byte \(offset(of: rest))")
            }
            guard size <= UInt64(rest.count) else {
                throw fault(
                    "truncated: a field of \(size) bytes, where \(rest.count) are left, at byte \(offset(of: rest))")
            }
            let content = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(size)))
            rest = rest.dropFirst(Int(size))
            if key & 7 != 2 { continue }
            fields.append((key >> 3, content, UnsafeRawBufferPointer(rebasing: message[start..<rest.startIndex])))
        }
        return fields
    }

    private func variableInteger(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(PixArtError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw fault("truncated within a number at its end") }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        throw fault("a number of more than 64 bits at byte \(offset(of: rest))")
    }

    private func offset(of rest: Slice<UnsafeRawBufferPointer>) -> Int {
        guard let start = file.bytes.baseAddress, let base = rest.base.baseAddress else { return 0 }
        return base - start + rest.startIndex
    }

    /// Walks the trie as SentencePiece will, and checks that no walk leaves it or meets more rules than SentencePiece has
    /// room for, and that every rule points to a replacement that ends.
    ///
    /// A unit of the trie names, relative to its own index, a block of 256 units. Those in the block that carry their own
    /// index in the block as label, in the low byte with bit 31 clear, follow upon that byte. Bit 8 says that the block's
    /// first unit holds a rule: bit 31 and the offset of its replacement.
    private func checkTables(_ tables: UnsafeRawBufferPointer) throws(PixArtError) {
        guard tables.count > 4 else { throw fault("normalization tables of \(tables.count) bytes") }
        let size = Int(UInt32(littleEndian: tables.loadUnaligned(as: UInt32.self)))
        guard size % 4 == 0, size > 0, size < tables.count - 4 else {
            throw fault("a normalization trie of \(size) bytes in tables of \(tables.count)")
        }
        let replacements = tables[(4 + size)...]
        guard replacements.last == 0 else { throw fault("the last normalization replacement does not end") }
        let units = (0..<size / 4).map {
            UInt32(littleEndian: tables.loadUnaligned(fromByteOffset: 4 + 4 * $0, as: UInt32.self))
        }
        // The most rules met on any way to a unit. Walks join, as equal endings share their units.
        var most = [Int](repeating: -1, count: units.count)
        var ahead = [(unit: 0, rules: 0)]
        while let (index, before) = ahead.popLast() {
            var rules = before
            let unit = units[index]
            let block = index ^ Int((unit >> 10) << ((unit & 0x200) >> 6))
            guard block | 0xFF < units.count else {
                throw fault("unit \(index) of the normalization trie points beyond it")
            }
            if unit & 0x100 != 0 {
                rules += 1
                guard rules <= 32 else { throw fault("more than 32 normalization rules for one text") }
                guard units[block] >> 31 == 1, Int(units[block] & 0x7FFF_FFFF) < replacements.count else {
                    throw fault("unit \(index) of the normalization trie has no replacement")
                }
            }
            for label in 0..<256 where units[block ^ label] & 0x8000_00FF == UInt32(label) {
                guard rules > most[block ^ label] else { continue }
                most[block ^ label] = rules
                ahead.append((block ^ label, rules))
            }
        }
    }
}
