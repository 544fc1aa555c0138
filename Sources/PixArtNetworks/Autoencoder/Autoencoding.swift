import PixArtCompute
import PixArtStorage

/// The decoding half of an autoencoder.
package protocol AutoencoderDecoder: Sendable {
    /// Decodes one latent image, [Y*X, C] pixels already divided by the scaling factor, into one of 3 channels; values
    /// are about -1 to 1. Fails with `.memory`.
    func decode(_ latents: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap
}

/// The encoding half of an autoencoder.
package protocol AutoencoderEncoder: Sendable {
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
