/// The random numbers of a run: one generator for all images, or one for each.
///
/// This implementation matches diffusers' `randn_tensor` on the CPU.
package struct NoiseGenerator: Sendable {
    private var generators: [TorchGenerator]
    /// Images of a draw.
    package let images: Int

    /// One draw for all images at once.
    package init(seed: UInt64, images: Int) {
        generators = [TorchGenerator(seed: seed)]
        self.images = images
    }

    /// One draw for each image from its seed.
    package init(seeds: [UInt64]) {
        generators = seeds.map { TorchGenerator(seed: $0) }
        images = seeds.count
    }

    /// `count` standard normal numbers for all images together.
    package mutating func normal(_ count: Int) -> [Float] {
        let share = count / generators.count
        var numbers: [Float] = []
        numbers.reserveCapacity(count)
        for index in generators.indices { numbers += generators[index].normal(share) }
        return numbers
    }

    /// A seed from each generator, for noise of another kind.
    package mutating func seeds() -> [UInt64] {
        generators.indices.map { generators[$0].integer(below: 1 << 63 - 1) }
    }
}
