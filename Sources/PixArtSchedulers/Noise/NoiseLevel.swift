/// Weights of image and noise in noisy latents.
package struct NoiseLevel: Sendable {
    let alpha: Float
    let sigma: Float

    /// From the noise relative to the image.
    init(_ sigma: Float) {
        alpha = 1 / (sigma * sigma + 1).squareRoot()
        self.sigma = sigma * alpha
    }

    /// From the cumulative product of alphas at a timestep.
    init(alphaCumulative: Float) {
        alpha = alphaCumulative.squareRoot()
        sigma = (1 - alphaCumulative).squareRoot()
    }

    /// Half the log of the signal-to-noise ratio.
    var lambda: Float { .log(alpha) - .log(sigma) }

    /// Noisy latents at this level.
    func addingNoise(_ noise: [Float], to original: [Float]) -> [Float] {
        linearCombination((alpha, original), (sigma, noise))
    }
}
