/// Finds the pieces that begin at a position in a text.
struct PieceTrie: Sendable {
    /// Nodes in the order of their depth: the children of node n are `children[n] ..< children[n + 1]`, by label.
    private var labels: [UInt8] = [0]
    private var children: [Int32] = []
    private var ids: [Int32] = []
    /// The child of the root by label; 0 for none.
    private var first = [Int32](repeating: 0, count: 256)

    /// Pieces with the same text as another piece.
    private(set) var duplicate: Int?

    /// A trie of the pieces `chosen`, whose texts are not empty.
    init(_ pieces: PieceList, _ chosen: [Int]) {
        let order = Self.sorted(pieces, chosen)
        var ranges = [(low: Int32(0), high: Int32(order.count), depth: Int32(0))]
        var node = 0
        while node < ranges.count {
            let range = ranges[node]
            let (high, depth) = (Int(range.high), Int(range.depth))
            var low = Int(range.low)
            children.append(Int32(ranges.count))
            ids.append(-1)
            while low < high, pieces[order[low]].count == depth {
                if ids[node] >= 0 { duplicate = order[low] }
                ids[node] = Int32(order[low])
                low += 1
            }
            while low < high {
                let start = low
                let label = Self.byte(pieces, order[low], depth)
                while low < high, Self.byte(pieces, order[low], depth) == label { low += 1 }
                if node == 0 { first[Int(label)] = Int32(ranges.count) }
                labels.append(label)
                ranges.append((Int32(start), Int32(low), Int32(depth + 1)))
            }
            node += 1
        }
        children.append(Int32(ranges.count))
    }

    private static func byte(_ pieces: PieceList, _ id: Int, _ depth: Int) -> UInt8 {
        let text = pieces[id]
        return text[text.startIndex + depth]
    }

    /// Compares the bytes of the texts. The first eight nearly always decide.
    private static func sorted(_ pieces: PieceList, _ chosen: [Int]) -> [Int] {
        let keyed = chosen.map { id in
            var key: UInt64 = 0
            for (index, byte) in pieces[id].prefix(8).enumerated() { key |= UInt64(byte) << UInt64(56 - 8 * index) }
            return (key: key, id: id)
        }
        let order = keyed.sorted {
            $0.key != $1.key ? $0.key < $1.key : pieces[$0.id].lexicographicallyPrecedes(pieces[$1.id])
        }
        return order.map(\.id)
    }

    /// The child of a node for a byte; the root is 0. nil if no piece continues with the byte.
    func child(of node: Int, _ byte: UInt8) -> Int? {
        if node == 0 {
            let child = Int(first[Int(byte)])
            return child == 0 ? nil : child
        }
        var (low, high) = (Int(children[node]), Int(children[node + 1]))
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < byte { low = middle + 1 } else { high = middle }
        }
        return low < Int(children[node + 1]) && labels[low] == byte ? low : nil
    }

    /// The piece that ends at a node.
    func id(at node: Int) -> Int? { ids[node] < 0 ? nil : Int(ids[node]) }

    /// Bytes of the longest piece that begins at `start`; 0 if there is none.
    func longestMatch(in text: [UInt8], from start: Int) -> Int {
        var (node, end, length) = (0, start, 0)
        while end < text.count, let next = child(of: node, text[end]) {
            node = next
            end += 1
            if id(at: node) != nil { length = end - start }
        }
        return length
    }
}
