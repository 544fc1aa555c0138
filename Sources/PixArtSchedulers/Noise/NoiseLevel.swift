/// Weights of picture and noise in noisy latents.
package struct NoiseLevel: Sendable {
    let alpha: Float
    let sigma: Float

    /// From noise in units of the picture.
    init(_ sigma: Float) {
        alpha = 1 / (sigma * sigma + 1).squareRoot()
        self.sigma = sigma * alpha
    }

    /// From the product of alphas up to a timestep.
    init(product: Float) {
        alpha = product.squareRoot()
        sigma = (1 - product).squareRoot()
    }

    /// Half the logarithm of signal over noise.
    var lambda: Float { .log(alpha) - .log(sigma) }

    /// Latents of this level.
    func addingNoise(_ noise: [Float], to original: [Float]) -> [Float] {
        linearCombination((alpha, original), (sigma, noise))
    }
}
