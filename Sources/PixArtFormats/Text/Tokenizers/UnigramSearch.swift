/// Finds the split of a normalized text with the greatest sum of scores: SentencePiece's search, with its rounding and
/// its choice among equal sums. This is the "slow" rule of T5's tokenizer.
struct UnigramSearch {
    /// The best path to a position in the text: its score and its last piece.
    private struct Arrival {
        var score: Float = 0
        var start = -1
        var id = -1
    }

    /// SentencePiece's penalty, relative to the lowest score, for a character that no piece has.
    private static let unknownPenalty: Float = 10

    private let model: UnigramModel
    private let text: [UInt8]
    /// Arrivals from `base` on, the end of the last settled piece.
    private var arrivals = [Arrival()]
    private var base = 0
    private var split: [(id: Int, range: Range<Int>)] = []

    init(_ model: UnigramModel, _ text: [UInt8]) {
        self.model = model
        self.text = text
    }

    /// The split, with adjacent unknown pieces merged. Time is linear in the text, because the length of pieces is
    /// limited.
    mutating func run() -> [(id: Int, range: Range<Int>)] {
        var start = 0
        while start < text.count {
            // If no piece crosses this position, every path passes through it, and everything before is
            // settled.
            if start - base == arrivals.count - 1 { settle(start) }
            let score = arrivals[start - base].score
            let width = min(Self.characterLength(text[start]), text.count - start)
            var isPiece = false
            var (node, end) = (0, start)
            while end < text.count, let next = model.trie.child(of: node, text[end]) {
                node = next
                end += 1
                guard let id = model.trie.id(at: node), model.pieces.kinds[id] != .unused else { continue }
                let sum = self.score(of: id, bytes: end - start) + Double(score)
                arrive(Arrival(score: Float(sum), start: start, id: id), at: end, sum)
                if end - start == width { isPiece = true }
            }
            if !isPiece {
                let sum = model.lowestScore - Self.unknownPenalty + score
                arrive(Arrival(score: sum, start: start, id: model.unknown), at: start + width, Double(sum))
            }
            start += width
        }
        settle(text.count)
        return split.reduce(into: []) { joined, piece in
            if piece.id == model.unknown, let last = joined.last, last.id == model.unknown {
                joined[joined.count - 1].range = last.range.lowerBound..<piece.range.upperBound
            } else {
                joined.append(piece)
            }
        }
    }

    /// A user-defined piece has a bonus, so it always wins.
    private func score(of id: Int, bytes: Int) -> Double {
        model.pieces.kinds[id] == .userDefined
            ? Double(Float(bytes) * model.highestScore) - 0.1 : Double(model.pieces.scores[id])
    }

    /// Keeps the better arrival. The sum is compared before it is rounded, as SentencePiece does up to 0.2.1.
    private mutating func arrive(_ arrival: Arrival, at end: Int, _ sum: Double) {
        while arrivals.count <= end - base { arrivals.append(Arrival()) }
        let best = arrivals[end - base]
        if best.start < 0 || sum > Double(best.score) { arrivals[end - base] = arrival }
    }

    /// Adds the pieces between `base` and `end` to the split.
    private mutating func settle(_ end: Int) {
        let first = split.count
        var place = end
        while place > base {
            let arrival = arrivals[place - base]
            split.append((arrival.id, arrival.start..<place))
            place = arrival.start
        }
        split[first...].reverse()
        let score = arrivals[end - base].score
        arrivals.removeAll(keepingCapacity: true)
        arrivals.append(Arrival(score: score))
        base = end
    }

    /// By the first byte alone.
    private static func characterLength(_ byte: UInt8) -> Int {
        switch byte {
        case 0xF0...: 4
        case 0xE0...: 3
        case 0xC0...: 2
        default: 1
        }
    }
}
