import PixArtStorage

extension UnigramModel {
    /// Reads the SentencePiece model (`spiece.model`) at `path`. Fails with `.file`. Fails with `.format` if the
    /// file is no such model, and with `.model` if it is not a unigram model or has byte pieces. Time is linear in
    /// the file.
    package init(sentencePiece path: String) throws(PixArtError) {
        var reader = SentencePieceModel(path)
        let file = try MappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        try FileKind.refuse(file, expected: "a SentencePiece model")
        self = try reader.model(in: file.bytes)
    }

    /// Reads the bytes of a SentencePiece model that a file of weights carries. `source` names it in messages.
    package init(sentencePiece bytes: UnsafeRawBufferPointer, source: String) throws(PixArtError) {
        var reader = SentencePieceModel(source)
        self = try reader.model(in: bytes)
    }
}

/// Reads a protocol buffer `ModelProto`: field 1 is repeated, one piece each. Field 2 has the settings of the trainer,
/// and fields 3 and 5 those of the normalizer and denormalizer.
private struct SentencePieceModel {
    /// Number and content of a field. Fields of eight bytes are skipped; no message here has one.
    private typealias Field = (number: UInt64, content: Content)

    private enum Content {
        case number(UInt64)
        case bits(UInt32)
        case bytes(UnsafeRawBufferPointer)
    }

    private let path: String
    private var start: UnsafeRawPointer?
    private var pieces = PieceList()
    private var normalizer = TextNormalizer()
    private var denormalizer = TextNormalizer()
    private var (hasTrainer, hasNormalizer) = (false, false)
    private var names = (unknown: Array("<unk>".utf8), end: Array("</s>".utf8), pad: Array("<pad>".utf8))
    private var unknownText = Array(" \u{2047} ".utf8)

    init(_ path: String) { self.path = path }

    private var origin: String { "\(path): not a SentencePiece model" }

    private func fault(_ reason: String) -> PixArtError { .format("\(origin): \(reason)") }

    mutating func model(in bytes: UnsafeRawBufferPointer) throws(PixArtError) -> UnigramModel {
        guard !bytes.isEmpty else { throw fault("the file is empty") }
        start = bytes.baseAddress
        var rest = bytes[...]
        while let field = try next(&rest) {
            guard case .bytes(let content) = field.content else { continue }
            switch field.number {
            case 1: try readPiece(content)
            case 2: try readTrainer(content)
            case 3:
                hasNormalizer = true
                try readNormalizer(content, &normalizer)
            case 5: try readNormalizer(content, &denormalizer)
            default: break
            }
        }
        guard hasTrainer, hasNormalizer else {
            throw fault("no settings of the \(hasTrainer ? "normalizer" : "trainer"); expected some")
        }
        return try UnigramModel(
            source: path, origin: origin, pieces: pieces, normalizer: normalizer,
            denormalizer: denormalizer.rules == nil ? nil : denormalizer,
            unknown: pieces.id(of: names.unknown, .unknown), endOfSequence: pieces.id(of: names.end, .control),
            pad: pieces.id(of: names.pad, .control), unknownText: unknownText)
    }

    private mutating func readPiece(_ message: UnsafeRawBufferPointer) throws(PixArtError) {
        var text = UnsafeRawBufferPointer(start: nil, count: 0)
        var (score, kind): (Float, UInt64) = (0, 1)
        var rest = message[...]
        while let field = try next(&rest) {
            switch (field.number, field.content) {
            case (1, .bytes(let value)): text = value
            case (2, .bits(let value)): score = Float(bitPattern: value)
            case (3, .number(let value)): kind = value
            default: break
            }
        }
        guard kind != 6 else { throw refusal("a piece for a single byte", "none") }
        guard let kind = UInt8(exactly: kind).flatMap(PieceList.Kind.init) else {
            throw fault("piece \(pieces.count) is of kind \(kind); expected 1 to 5")
        }
        pieces.append(text, score: score, kind)
    }

    private mutating func readTrainer(_ message: UnsafeRawBufferPointer) throws(PixArtError) {
        hasTrainer = true
        var rest = message[...]
        while let field = try next(&rest) {
            switch (field.number, field.content) {
            case (3, .number(let value)) where value != 1:
                let name = [2: "WORD", 3: "BPE", 4: "CHAR"][value] ?? "\(value)"
                throw refusal("the model type \(name)", "UNIGRAM")
            case (24, .number(let value)):
                normalizer.whitespaceIsSuffix = value != 0
                denormalizer.whitespaceIsSuffix = value != 0
            case (35, .number(let value)) where value != 0: throw refusal("byte_fallback", "none")
            case (44, .bytes(let value)): unknownText = Array(value)
            case (45, .bytes(let value)) where !value.isEmpty: names.unknown = Array(value)
            case (47, .bytes(let value)) where !value.isEmpty: names.end = Array(value)
            case (48, .bytes(let value)) where !value.isEmpty: names.pad = Array(value)
            default: break
            }
        }
    }

    private func readNormalizer(
        _ message: UnsafeRawBufferPointer, _ normalizer: inout TextNormalizer
    ) throws(PixArtError) {
        var rest = message[...]
        while let field = try next(&rest) {
            switch (field.number, field.content) {
            case (2, .bytes(let tables)):
                normalizer.rules = tables.isEmpty ? nil : try NormalizationRules(tables: Array(tables), origin: origin)
            case (3, .number(let value)): normalizer.addsDummyPrefix = value != 0
            case (4, .number(let value)): normalizer.removesExtraWhitespace = value != 0
            case (5, .number(let value)): normalizer.escapesWhitespace = value != 0
            default: break
            }
        }
    }

    private func refusal(_ found: String, _ expected: String) -> PixArtError {
        .model("\(path): \(found); expected \(expected), as in T5's tokenizer")
    }

    /// The next field of a message; nil at its end.
    private func next(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(PixArtError) -> Field? {
        while !rest.isEmpty {
            let key = try variableInteger(&rest)
            let size: UInt64
            switch key & 7 {
            case 0: return (key >> 3, .number(try variableInteger(&rest)))
            case 1: size = 8
            case 2: size = try variableInteger(&rest)
            case 5: size = 4
            default: throw fault("a field of unknown kind at byte \(offset(of: rest)); expected kind 0, 1, 2 or 5")
            }
            guard size <= UInt64(rest.count) else {
                throw fault(
                    "truncated: a field of \(size) bytes at byte \(offset(of: rest)); expected at most \(rest.count)")
            }
            let content = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(size)))
            rest = rest.dropFirst(Int(size))
            switch key & 7 {
            case 1: continue
            case 2: return (key >> 3, .bytes(content))
            default: return (key >> 3, .bits(UInt32(littleEndian: content.loadUnaligned(as: UInt32.self))))
            }
        }
        return nil
    }

    private func variableInteger(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(PixArtError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw fault("truncated within a number at its end") }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        throw fault("a number of more than 64 bits at byte \(offset(of: rest)); expected at most 64")
    }

    private func offset(of rest: Slice<UnsafeRawBufferPointer>) -> Int {
        guard let start, let base = rest.base.baseAddress else { return 0 }
        return base - start + rest.startIndex
    }
}
