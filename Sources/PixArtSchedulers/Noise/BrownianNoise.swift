/// Noise of a run from one Brownian motion over its noise levels. So the noise does not depend on the position of
/// steps.
///
/// This implementation matches diffusers' `BrownianTreeNoiseSampler`.
struct BrownianNoise: Sendable {
    /// One motion for all images, or one for each.
    private let trees: [BrownianTree]

    /// `count` numbers for all images together, for noise levels between two.
    init(from smallest: Float, to largest: Float, count: Int, seeds: [UInt64]) {
        trees = seeds.map {
            BrownianTree(from: Double(smallest), to: Double(largest), count: count / seeds.count, seed: $0)
        }
    }

    /// The noise of a step from one level down to another, with unit variance.
    func callAsFunction(from: Float, to: Float) -> [Float] {
        let deviation = abs(to - from).squareRoot()
        return trees.flatMap { $0.increment(from: Double(to), to: Double(from)) }.map { -$0 / deviation }
    }
}

/// A Brownian motion whose increments over all intervals belong to one path, which depends on a seed. The time is
/// halved repeatedly, and each half's increment is sampled given the whole.
///
/// This implementation matches torchsde's `BrownianInterval(t0, t1, size, entropy=seed, tol=1e-6, pool_size=24,
/// halfway_tree=True)` in float32, as diffusers' `BrownianTreeNoiseSampler` uses it. Limitations: no other tolerance,
/// and no Levy areas.
struct BrownianTree: Sendable {
    private static let poolSize = 24

    private let seed: UInt64
    /// Start and end of the motion, rounded.
    private let start: Double
    private let end: Double
    /// The increment from start to end.
    private let whole: [Float]

    /// `count` numbers of the motion between two times.
    init(from start: Double, to end: Double, count: Int, seed: UInt64) {
        self.seed = seed
        self.start = Self.rounded(start)
        self.end = Self.rounded(end)
        let words = NumPySeedSequence(entropy: seed, poolSize: Self.poolSize).state(1)
        let deviation = Float((end - start).squareRoot())
        whole = Self.normal(words[0], count).map { $0 * deviation }
    }

    /// The increment between two times, clamped to the times of the motion.
    func increment(from first: Double, to second: Double) -> [Float] {
        let (from, to) = (min(max(first, start), end), min(max(second, start), end))
        guard from < to else { return [Float](repeating: 0, count: whole.count) }
        let root = Node(start: start, end: end, key: 0, depth: 0, increment: whole)
        var sum: [Float]?
        add(root, from: Self.rounded(from), to: Self.rounded(to), to: &sum)
        return sum ?? [Float](repeating: 0, count: whole.count)
    }

    /// A node of the tree: its times, its index among the nodes of its depth, and its increment.
    private struct Node {
        let start: Double
        let end: Double
        let key: UInt64
        let depth: UInt64
        let increment: [Float]
    }

    /// Adds a node's share of the requested interval.
    private func add(_ node: Node, from: Double, to: Double, to sum: inout [Float]?) {
        if from <= node.start, node.end <= to {
            sum = sum.map { linearCombination((1, $0), (1, node.increment)) } ?? node.increment
            return
        }
        let middle = Self.rounded(0.5 * (node.end + node.start))
        // Times on the grid of the tolerance are all reached before parts are too small to be halved.
        guard node.start < middle, middle < node.end else { return }
        let left = firstHalf(of: node, until: middle)
        if from < middle {
            let first = Node(
                start: node.start, end: middle, key: 2 * node.key, depth: node.depth + 1, increment: left)
            add(first, from: from, to: to, to: &sum)
        }
        if to > middle {
            let second = Node(
                start: middle, end: node.end, key: 2 * node.key + 1, depth: node.depth + 1,
                increment: zip(node.increment, left).map { $0 - $1 })
            add(second, from: from, to: to, to: &sum)
        }
    }

    /// The increment of a node's first half: its share of the whole, and noise.
    private func firstHalf(of node: Node, until middle: Double) -> [Float] {
        let sequence = NumPySeedSequence(
            entropy: seed, spawnKey: [node.key, node.depth], poolSize: Self.poolSize)
        let noise = Self.normal(sequence.state(1)[0], node.increment.count)
        let (before, after) = (middle - node.start, node.end - middle)
        let reciprocal = 1 / (node.end - node.start)
        let (share, inverse) = (Float(before), Float(reciprocal))
        let deviation = Float((before * after * reciprocal).squareRoot())
        return noise.indices.map { share * node.increment[$0] * inverse + deviation * noise[$0] }
    }

    private static func normal(_ seed: UInt32, _ count: Int) -> [Float] {
        var generator = TorchGenerator(seed: UInt64(seed))
        return generator.normal(count)
    }

    /// A time rounded to six decimal digits, as by Python's `round`: to nearest, ties to even.
    private static func rounded(_ time: Double) -> Double {
        let product = time * 1e6
        // If the product lies on a half, the rounding error of the product decides.
        let rest = (-product).addingProduct(time, 1e6)
        var whole = product.rounded(.toNearestOrEven)
        if abs(product - whole) == 0.5, rest != 0 { whole = product.rounded(rest > 0 ? .up : .down) }
        return whole / 1e6
    }
}
