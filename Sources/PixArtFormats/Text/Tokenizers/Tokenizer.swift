import PixArtStorage

/// T5's tokenizer: text to ids and back. It follows SentencePiece 0.1.97 to 0.2.1, as the "slow" T5 tokenizer of
/// transformers does.
///
/// Adds nothing to the ids: the caller appends `endOfSequence` and truncates. Special pieces in a text ("</s>",
/// "<pad>", "<extra_id_0>") are plain text. Thread-safe.
package struct Tokenizer: Sendable {
    private let model: UnigramModel

    package init(_ model: UnigramModel) { self.model = model }

    /// Loads the file at `path`: a `tokenizer.json` if its name ends in ".json", else a SentencePiece model. Fails
    /// with `.file`, with `.format` if the file is damaged, and with `.model` if it is another tokenizer than
    /// T5's.
    package init(path: String) throws(PixArtError) {
        let model =
            path.utf8.suffix(5).elementsEqual(".json".utf8)
            ? try UnigramModel(tokenizerJSON: path) : try UnigramModel(sentencePiece: path)
        self.init(model)
    }

    /// Number of pieces; ids are 0 ..< `vocabularySize`.
    package var vocabularySize: Int { model.pieces.count }
    /// `</s>`, 1 in T5.
    package var endOfSequence: Int32 { Int32(model.endOfSequence) }
    /// `<unk>`, 2 in T5.
    package var unknown: Int32 { Int32(model.unknown) }
    /// `<pad>`, 0 in T5.
    package var pad: Int32 { Int32(model.pad) }

    /// A text split into pieces.
    package struct Split {
        package let ids: [Int32]
        /// The text of each piece, with "▁" for a space.
        package let pieces: [String]
        /// The range of each piece in the bytes of the text.
        package let ranges: [Range<Int>]
    }

    /// Splits `text` into pieces. An unknown piece has the id `unknown` and its own text. Time is linear in the
    /// text.
    ///
    /// Fails with `.format` if a hostile model makes the text far longer.
    package func encode(_ text: String) throws(PixArtError) -> Split {
        try encode(utf8: Array(text.utf8))
    }

    /// The same for bytes. Each byte of invalid UTF-8 counts as U+FFFD.
    package func encode(utf8 text: [UInt8]) throws(PixArtError) -> Split {
        guard let normalized = model.normalizer.normalized(text, sparing: model.userDefined) else {
            throw .format(
                "\(model.source): its rules of normalization make more than "
                    + "\(TextNormalizer.maximumBytes(for: text.count)) bytes of a text of \(text.count); expected at most that "
                    + "many")
        }
        var search = UnigramSearch(model, normalized.bytes)
        let split = search.run()
        return Split(
            ids: split.map { Int32($0.id) },
            pieces: split.map { String(decoding: normalized.bytes[$0.range], as: UTF8.self) },
            ranges: split.map { normalized.origin(of: $0.range) })
    }

    /// The text of `ids`, as normalized by `encode(_:)`. `<unk>` becomes " ⁇ ". Control pieces such as `</s>` and
    /// ids beyond the vocabulary are left out.
    package func decode(_ ids: [Int32]) -> String {
        let dropsSpace = model.normalizer.addsDummyPrefix || model.normalizer.removesExtraWhitespace
        var text: [UInt8] = []
        var hasBegun = false
        for case let id in ids.map(Int.init) where 0..<vocabularySize ~= id {
            switch model.pieces.kinds[id] {
            case .control: continue
            case .unknown: text += model.unknownText
            case .normal, .userDefined, .unused:
                var piece = model.pieces[id]
                if dropsSpace, !hasBegun, text.isEmpty, piece.starts(with: TextNormalizer.spaceSymbol) {
                    piece = piece.dropFirst(TextNormalizer.spaceSymbol.count)
                    // If the model removes extra spaces, all spaces at the beginning are removed.
                    hasBegun = !model.normalizer.removesExtraWhitespace
                }
                appendWithSpaces(piece, to: &text)
            }
        }
        return String(decoding: model.denormalizer?.normalized(text, sparing: nil)?.bytes ?? text, as: UTF8.self)
    }

    /// Appends `piece` with a space for each "▁".
    private func appendWithSpaces(_ piece: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var rest = piece
        while let byte = rest.first {
            if rest.starts(with: TextNormalizer.spaceSymbol) {
                text.append(UInt8(ascii: " "))
                rest = rest.dropFirst(TextNormalizer.spaceSymbol.count)
            } else {
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
    }
}
