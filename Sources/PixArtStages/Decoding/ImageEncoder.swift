import Glibc
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The inverse of the third stage: images to latents. Thread-safe.
///
/// This implementation matches: diffusers' `VaeImageProcessor.preprocess` of images that need no resizing, and
/// `retrieve_latents(vae.encode(image), generator, sample_mode)` times the scaling factor.
package final class ImageEncoder: StageHandle {
    package let opened: OpenedNetwork<ImageEncoderDescription>

    /// Opens the encoder of the part `vae` of a checkpoint.
    package init(model: String, _ options: ImageEncoderOpenOptions) throws(PixArtError) {
        let checkpoint = try Checkpoint(model: model, options.network.source)
        opened = try OpenedNetwork(ImageEncoderDescription(checkpoint), .vae, of: checkpoint, options.network)
    }

    /// Encodes images, uint8 [B, H, W, 3] or [H, W, 3], to latents, float32 [B, C, Y, X]. Fails with `.argument` and
    /// `.option`.
    package func encode(_ images: Tensor, _ options: ImageEncodeOptions) throws(PixArtError) -> Tensor {
        let autoencoder = opened.description.autoencoder
        let scale = autoencoder.scale
        let batch = try ImageBatch(images, "images", channels: [3])
        guard batch.height % scale == 0, batch.width % scale == 0 else {
            throw .argument("images are \(images.description), expected height and width to be multiples of \(scale)")
        }
        var noise = try NoiseGenerator(options.seed, images: batch.count)
        let shape = LatentShape(
            images: batch.count, channels: autoencoder.latentChannels, height: batch.height / scale,
            width: batch.width / scale)
        // Drawn for the whole batch, as the reference does. A network without a distribution ignores them.
        let numbers = options.sampleMode == .sample ? noise.normal(shape.count) : nil
        return try Tensor(.float32, shape: shape.dimensions) { bytes throws(PixArtError) in
            let latents = bytes.bindMemory(to: Float.self)
            for image in 0..<shape.images {
                try CallProgress.report(step: image, of: shape.images)
                let distribution = try opened.network.encode(
                    batch.map(image) { 2 * (Float($0) / 255) - 1 }, opened.pool)
                for channel in 0..<shape.channels {
                    for position in 0..<shape.plane {
                        let index = shape.index(image, channel, position)
                        let value = distribution.value(position, channel, noise: numbers?[index])
                        latents[index] = value * autoencoder.scalingFactor
                    }
                }
            }
            try CallProgress.report(step: shape.images, of: shape.images)
        }
    }
}

extension LatentDistribution {
    /// A latent that is drawn with `noise`, or the mean if that is nil.
    fileprivate func value(_ position: Int, _ channel: Int, noise: Float?) -> Float {
        guard let noise, let logVariance else { return mean[position, channel] }
        return mean[position, channel] + expf(0.5 * min(max(logVariance[position, channel], -30), 20)) * noise
    }
}

extension NoiseGenerator {
    /// The generator of a call for `images` images. Fails with `.option` if the seeds are not as many.
    init(_ seed: Seed, images: Int) throws(PixArtError) {
        switch seed {
        case .batch(let seed): self.init(seed: seed, images: images)
        case .images(let seeds):
            guard seeds.count == images else {
                throw .option(
                    "option \"seed\" has \(seeds.count) seeds, expected one for each of the \(images) images")
            }
            self.init(seeds: seeds)
        }
    }
}
