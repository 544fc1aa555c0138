import PixArtStorage

extension UnigramModel {
    /// The tokenizer that a GGUF file carries; nil if it has none. Fails with `.format` if it is damaged, and with
    /// `.model` if it is another tokenizer than T5's.
    package init?(gguf file: GGUFFile) throws(PixArtError) {
        let values = file.values
        guard let model = values.string("tokenizer.ggml.model") else { return nil }
        let origin = "\(file.location): tokenizer.ggml"
        guard model == "t5" else { throw .model("\(origin).model is \"\(model)\"; expected \"t5\"") }
        guard let tokens = values.texts("tokenizer.ggml.tokens"), let scores = values.floats("tokenizer.ggml.scores"),
            let kinds = values.integers("tokenizer.ggml.token_type"), tokens.count == scores.count,
            tokens.count == kinds.count
        else {
            throw .format("\(origin): expected tokens, scores and token_type of one length")
        }
        var pieces = PieceList()
        for (index, token) in tokens.enumerated() {
            // Padding and added tokens are not part of the model: in a prompt, they are text.
            guard let kind = UInt8(exactly: kinds[index]).flatMap(PieceList.Kind.init) else {
                throw .format("\(origin).token_type: token \(index) is of type \(kinds[index]); expected 1 to 5")
            }
            pieces.append(token, score: scores[index], kind == .userDefined ? .unused : kind)
        }
        var normalizer = TextNormalizer()
        if let tables = values.bytes("tokenizer.ggml.precompiled_charsmap"), !tables.isEmpty {
            normalizer.rules = try NormalizationRules(tables: Array(tables), origin: origin)
        }
        normalizer.addsDummyPrefix = values.integer("tokenizer.ggml.add_space_prefix") != 0
        normalizer.removesExtraWhitespace = values.integer("tokenizer.ggml.remove_extra_whitespaces") != 0
        func id(_ key: String, _ text: String, _ kind: PieceList.Kind) throws(PixArtError) -> Int? {
            guard let id = values.integer("tokenizer.ggml.\(key)") else { return pieces.id(of: text.utf8, kind) }
            guard 0..<pieces.count ~= id else {
                throw .format("\(origin).\(key) is \(id); expected 0 to \(pieces.count - 1)")
            }
            return id
        }
        try self.init(
            source: file.location, origin: origin, pieces: pieces, normalizer: normalizer,
            unknown: id("unknown_token_id", "<unk>", .unknown),
            endOfSequence: id("eos_token_id", "</s>", .control), pad: id("padding_token_id", "<pad>", .control))
    }
}

extension GGUFFile {
    /// The tokenizer that the file carries as the bytes of a `spiece.model`, a protocol buffer `ModelProto`; nil if it has
    /// none. Fails as reading it does.
    package func sentencePieceModel() throws(PixArtError) -> [UInt8]? {
        guard let model = try UnigramModel(gguf: self) else { return nil }
        // Padding and added tokens at the end are not part of the model.
        let count = (model.pieces.ids { $0 != .unused && $0 != .userDefined }.last ?? -1) + 1
        var file = ProtocolBuffer()
        for id in 0..<count {
            var piece = ProtocolBuffer()
            piece.append(1, bytes: model.pieces[id])
            piece.append(2, float: model.pieces.scores[id])
            piece.append(3, number: UInt64(model.pieces.kinds[id].rawValue))
            file.append(1, bytes: piece.bytes)
        }
        var trainer = ProtocolBuffer()
        trainer.append(3, number: 1)
        trainer.append(4, number: UInt64(count))
        trainer.append(40, number: UInt64(model.unknown))
        trainer.append(41, number: UInt64(bitPattern: -1))
        trainer.append(42, number: UInt64(model.endOfSequence))
        trainer.append(43, number: UInt64(model.pad))
        file.append(2, bytes: trainer.bytes)
        var normalizer = ProtocolBuffer()
        normalizer.append(1, bytes: "nmt_nfkc".utf8)
        normalizer.append(2, bytes: values.bytes("tokenizer.ggml.precompiled_charsmap").map { Array($0) } ?? [])
        normalizer.append(3, number: model.normalizer.addsDummyPrefix ? 1 : 0)
        normalizer.append(4, number: model.normalizer.removesExtraWhitespace ? 1 : 0)
        normalizer.append(5, number: model.normalizer.escapesWhitespace ? 1 : 0)
        file.append(3, bytes: normalizer.bytes)
        return file.bytes
    }
}

/// A message of a protocol buffer that is written field by field.
private struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func append(_ field: UInt64, number: UInt64) {
        append(field << 3)
        append(number)
    }

    mutating func append(_ field: UInt64, bytes content: some Collection<UInt8>) {
        append(field << 3 | 2)
        append(UInt64(content.count))
        bytes += content
    }

    mutating func append(_ field: UInt64, float: Float) {
        append(field << 3 | 5)
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: float.bitPattern >> shift))
        }
    }
}
