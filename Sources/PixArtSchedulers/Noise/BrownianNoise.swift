/// Noise of a run that belongs to one Brownian motion over its noise levels, so that it does not depend on where steps
/// lie.
///
/// This implementation matches: diffusers' `BrownianTreeNoiseSampler`.
struct BrownianNoise: Sendable {
    /// One for all images, or one for each.
    private let trees: [BrownianTree]

    /// `count` numbers for all images together, of noise levels between two.
    init(from smallest: Float, to largest: Float, count: Int, seeds: [UInt64]) {
        trees = seeds.map {
            BrownianTree(from: Double(smallest), to: Double(largest), count: count / seeds.count, seed: $0)
        }
    }

    /// The noise of a step down from one level to another, of unit variance.
    func callAsFunction(from: Float, to: Float) -> [Float] {
        let deviation = abs(to - from).squareRoot()
        return trees.flatMap { $0.increment(from: Double(to), to: Double(from)) }.map { -$0 / deviation }
    }
}
