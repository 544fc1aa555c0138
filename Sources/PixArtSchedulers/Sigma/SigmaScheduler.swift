/// A scheduler whose latents are the picture plus `sigma` times noise: Euler and its relatives.
protocol SigmaScheduler: IndexedScheduler {
    /// The noise level that each step starts from; there may be the one that the last step ends at, too.
    var sigmas: [Float] { get }
    /// The noise level that the latents are at.
    var sigma: Float { get }
}

extension SigmaScheduler {
    var sigma: Float { sigmas[index] }

    /// Between the two timesteps of a step of second order, diffusers has the level of the next step.
    package func noised(_ original: [Float], by noise: [Float], at index: Int) -> [Float] {
        combination((1, original), (sigmas[(index + order - 1) / order], noise))
    }

    /// Latents of the same spread at every noise level.
    package func modelInput(_ sample: [Float]) -> [Float] {
        let spread = (sigma * sigma + 1).squareRoot()
        return sample.map { $0 / spread }
    }

    /// Follows the direction from the predicted picture to the latents, to the noise level `target`.
    func followed(_ sample: [Float], _ original: [Float], to target: Float) -> [Float] {
        let (sigma, distance) = (sigma, target - sigma)
        return zip(sample, original).map { $0 + ($0 - $1) / sigma * distance }
    }
}
