import PixArtCompute
import PixArtStorage

/// The decoding half of an autoencoder.
package protocol LatentDecoder: Sendable {
    /// Decodes one latent image, [Y*X, C] pixels already divided by the scaling factor, into one of 3 channels; values
    /// are about -1 to 1. Fails with `.memory`.
    func decode(_ latents: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap
}
