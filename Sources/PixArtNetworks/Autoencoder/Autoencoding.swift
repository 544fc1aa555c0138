import PixArtCompute
import PixArtStorage

/// The decoder of an autoencoder.
package protocol AutoencoderDecoder: Sendable {
    /// Decodes one latent image, [Y*X, C] pixels already divided by the scaling factor, into an image with 3
    /// channels and values of about -1 to 1. `lowMemory` trades time for memory. Fails with `.memory`.
    func decode(_ latents: FeatureMap, lowMemory: Bool, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap
}

/// The encoder of an autoencoder.
package protocol AutoencoderEncoder: Sendable {
    /// Encodes one image with 3 channels and values from -1 to 1. Its height and width are divisible by the pixels
    /// along one side of a latent. Fails with `.memory`.
    func encode(_ image: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> LatentDistribution
}

/// The result of encoding an image, [Y*X, C] each, before any scaling: latents, or the normal distribution that
/// latents are sampled from.
package struct LatentDistribution: Sendable {
    package let mean: Matrix
    /// nil if the encoder returns latents.
    package let logVariance: Matrix?
}
