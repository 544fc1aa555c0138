import PixArtStorage

/// A unigram tokenizer, whatever file it comes from: a vocabulary, and the normalization of text.
package struct UnigramModel: Sendable {
    /// Limits that no real vocabulary reaches: T5's has 32,000 pieces of 190 KB, the longest of 48 bytes.
    private static let maximumPieces = 1 << 18
    private static let maximumBytes = 8 << 20
    private static let longestPiece = 256

    /// The file, for messages.
    let source: String
    let pieces: PieceList
    let normalizer: TextNormalizer
    /// Applied to joined text; nil leaves it unchanged.
    let denormalizer: TextNormalizer?
    let unknown: Int
    let endOfSequence: Int
    let pad: Int
    /// The text of the piece `unknown` in joined text.
    let unknownText: [UInt8]

    /// Pieces that can be part of a split, without user-defined ones.
    let trie: PieceTrie
    /// The user-defined pieces; nil if there are none.
    let userDefined: PieceTrie?
    /// Scores of normal pieces. The highest score is at least the smallest positive float, as in SentencePiece.
    let lowestScore: Float
    let highestScore: Float

    /// Fails with `.format`, naming `origin`, if a piece is empty, too long, duplicated or without a finite score,
    /// or if there are too many. Fails with `.model` if `</s>`, `<unk>` or `<pad>` is missing.
    ///
    /// - Parameter origin: The name for messages about pieces: `source`, and more if it is known.
    init(
        source: String, origin: String, pieces: PieceList, normalizer: TextNormalizer,
        denormalizer: TextNormalizer? = nil, unknown: Int?, endOfSequence: Int?, pad: Int?,
        unknownText: [UInt8] = Array(" \u{2047} ".utf8)
    ) throws(PixArtError) {
        try Self.check(pieces, origin)
        let unknowns = pieces.ids { $0 == .unknown }
        guard unknowns.count <= 1 else {
            throw .format(
                "\(origin): pieces \(unknowns[0]) and \(unknowns[1]) are both the unknown piece; expected one")
        }
        guard let unknown else { throw Self.missing("<unk>", source) }
        guard let endOfSequence else { throw Self.missing("</s>", source) }
        guard let pad else { throw Self.missing("<pad>", source) }
        (self.source, self.pieces, self.normalizer, self.denormalizer) = (source, pieces, normalizer, denormalizer)
        (self.unknown, self.endOfSequence, self.pad) = (unknown, endOfSequence, pad)
        self.unknownText = unknownText
        let reserved = PieceTrie(pieces, pieces.ids { $0 == .unknown || $0 == .control })
        trie = PieceTrie(pieces, pieces.ids { $0 != .unknown && $0 != .control })
        if let duplicate = trie.duplicate ?? reserved.duplicate {
            throw .format("\(origin): piece \(duplicate), \(pieces.name(duplicate)), is there twice; expected once")
        }
        let symbols = pieces.ids { $0 == .userDefined }
        userDefined = symbols.isEmpty ? nil : PieceTrie(pieces, symbols)
        let scores = pieces.ids { $0 == .normal }.map { pieces.scores[$0] }
        guard let lowest = scores.min(), let highest = scores.max() else {
            throw .model("\(origin): no normal pieces; expected at least one")
        }
        lowestScore = lowest
        highestScore = max(highest, .leastNormalMagnitude)
    }

    private static func check(_ pieces: PieceList, _ origin: String) throws(PixArtError) {
        guard pieces.count <= maximumPieces, pieces.byteCount <= maximumBytes else {
            throw .format(
                "\(origin): \(pieces.count) pieces of \(pieces.byteCount) bytes; expected at most \(maximumPieces) of "
                    + "\(maximumBytes)")
        }
        for id in 0..<pieces.count {
            guard 1...longestPiece ~= pieces[id].count else {
                throw .format("\(origin): piece \(id) has \(pieces[id].count) bytes; expected 1 to \(longestPiece)")
            }
            guard pieces.scores[id].isFinite else {
                throw .format(
                    "\(origin): piece \(id), \(pieces.name(id)), has the score \(pieces.scores[id]); expected a finite one"
                )
            }
        }
    }

    private static func missing(_ name: String, _ source: String) -> PixArtError {
        .model("\(source): has no piece \(name); expected one, as in every T5 tokenizer")
    }
}
