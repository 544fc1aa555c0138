import PixArtCompute
import PixArtStorage

/// The encoding half of an autoencoder.
package protocol PixelEncoder: Sendable {
    /// Encodes one image of 3 channels with values from -1 to 1, whose height and width are divisible by the pixels
    /// along one side of a latent. Fails with `.memory`.
    func encode(_ image: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> LatentDistribution
}

/// What an encoder makes of an image, [Y*X, C] each, before any scaling: latents, or the normal distribution that they
/// are drawn from.
package struct LatentDistribution: Sendable {
    package let mean: Matrix
    /// nil where there is nothing to draw.
    package let logVariance: Matrix?
}
