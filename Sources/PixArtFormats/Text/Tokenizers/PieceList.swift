/// The pieces of a unigram vocabulary: texts, scores and kinds. The id of a piece is its index.
package struct PieceList: Sendable {
    /// The kind of a piece, with the numbers of SentencePiece and GGUF.
    package enum Kind: UInt8, Sendable {
        case normal = 1
        /// Replaces text that no other piece has.
        case unknown
        /// Occurs in no text: `</s>`, `<pad>`.
        case control
        /// Matches whenever it occurs in a text, and bypasses normalization.
        case userDefined
        /// Has an id but is never part of a split.
        case unused
    }

    /// The texts in UTF-8, one after another, and the end of each.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    package private(set) var scores: [Float] = []
    package private(set) var kinds: [Kind] = []

    package init() {}

    package var count: Int { ends.count }

    package var byteCount: Int { bytes.count }

    package mutating func append(_ text: some Collection<UInt8>, score: Float, _ kind: Kind) {
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        scores.append(score)
        kinds.append(kind)
    }

    package subscript(id: Int) -> ArraySlice<UInt8> { bytes[(id == 0 ? 0 : ends[id - 1])..<ends[id]] }

    /// The first piece with this text and kind.
    package func id(of text: some Collection<UInt8>, _ kind: Kind) -> Int? {
        (0..<count).first { kinds[$0] == kind && self[$0].elementsEqual(text) }
    }

    /// Ids of this kind.
    package func ids(_ isWanted: (Kind) -> Bool) -> [Int] { (0..<count).filter { isWanted(kinds[$0]) } }

    package func name(_ id: Int) -> String { "\"\(String(decoding: self[id], as: UTF8.self))\"" }
}
