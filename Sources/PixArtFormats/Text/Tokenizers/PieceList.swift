/// The pieces of a unigram vocabulary: texts, scores and kinds. A piece's id is its place.
package struct PieceList: Sendable {
    /// What a piece is for; the numbers are those of SentencePiece and of GGUF.
    package enum Kind: UInt8, Sendable {
        case normal = 1
        /// Stands for what no other piece says.
        case unknown
        /// Is in no text: `</s>`, `<pad>`.
        case control
        /// Is taken whenever a text has it, and passes normalization.
        case userDefined
        /// Has an id, but is in no split.
        case unused
    }

    /// The texts in UTF-8, one after another, and where each ends.
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

    /// The first piece of this text and kind.
    package func id(of text: some Collection<UInt8>, _ kind: Kind) -> Int? {
        (0..<count).first { kinds[$0] == kind && self[$0].elementsEqual(text) }
    }

    /// Of this kind.
    package func ids(_ isWanted: (Kind) -> Bool) -> [Int] { (0..<count).filter { isWanted(kinds[$0]) } }

    package func name(_ id: Int) -> String { "\"\(String(decoding: self[id], as: UTF8.self))\"" }
}
