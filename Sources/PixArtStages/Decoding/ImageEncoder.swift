import Glibc
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The way back from the third stage: images to latents. Any number of threads may use it at once.
///
/// This implementation matches: diffusers' `VaeImageProcessor.preprocess` of images that need no resizing, and
/// `retrieve_latents(vae.encode(image), generator, sample_mode)` times the scaling factor.
package final class ImageEncoder: ProcessBound, Sendable {
    private let opened: OpenedNetwork<ImageEncoderDescription>

    /// Opens the encoder of the part `vae` of a checkpoint.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        opened = try OpenedNetwork(ImageEncoderDescription(checkpoint), .vae, of: checkpoint, options)
    }

    /// What the encoder takes of memory when it encodes images of the size that the options say. Fails with `.option`.
    package func memory(_ options: Options) throws(PixArtError) -> MemoryReport { try opened.memory(options) }

    /// What the encoder was opened from, and how.
    package var report: HandleReport { opened.report }

    /// Where the time of the encoder went since it was opened.
    package var profile: Profile { opened.profile }

    package var process: ProcessIdentity { opened.process }

    /// Latents of images, uint8 [B, H, W, 3] or [H, W, 3]: float32 [B, C, Y, X]. Fails with `.argument` and `.option`.
    package func encode(_ images: Tensor, _ options: Options) throws(PixArtError) -> Tensor {
        let (channels, scale) = (opened.description.autoencoder.latentChannels, opened.description.autoencoder.scale)
        let batch = try ImageBatch(images, "images", channels: [3])
        guard batch.height % scale == 0, batch.width % scale == 0 else {
            throw .argument("images are \(images.description), expected height and width to be multiples of \(scale)")
        }
        var noise = try NoiseSource(options, images: batch.count)
        let shape = [batch.count, channels, batch.height / scale, batch.width / scale]
        // Drawn for the whole batch, as the reference does; unused where there is nothing to draw.
        let isSampled = options.string("sample_mode") == "sample"
        let numbers = isSampled ? noise.normal(shape.reduce(1, *)) : []
        let size = channels * shape[2] * shape[3]
        var latents: [Float] = []
        latents.reserveCapacity(batch.count * size)
        for index in 0..<batch.count {
            let distribution = try opened.network.encode(map(batch, index), opened.pool)
            let drawn = isSampled ? numbers[index * size..<(index + 1) * size] : nil
            append(distribution, drawn, to: &latents)
        }
        return try Tensor(shape: shape, elements: latents)
    }

    /// One image with values from -1 to 1.
    private func map(_ batch: ImageBatch, _ index: Int) throws(PixArtError) -> FeatureMap {
        let map = try FeatureMap(height: batch.height, width: batch.width, channels: 3)
        let values = (0...255).map { 2 * (Float($0) / 255) - 1 }
        for (position, byte) in batch.bytes(index).enumerated() { map.pixels.start[position] = values[Int(byte)] }
        return map
    }

    /// Appends an image's latents, [C, Y, X]: what `noise` draws from their distribution, or its mean.
    private func append(_ distribution: LatentDistribution, _ noise: ArraySlice<Float>?, to latents: inout [Float]) {
        let mean = distribution.mean
        var next = noise?.startIndex ?? 0
        for channel in 0..<mean.columns {
            for pixel in 0..<mean.rows {
                var value = mean[pixel, channel]
                if let noise, let logVariance = distribution.logVariance {
                    let deviation = expf(0.5 * min(max(logVariance[pixel, channel], -30), 20))
                    value += deviation * noise[next]
                    next += 1
                }
                latents.append(value * opened.description.autoencoder.scalingFactor)
            }
        }
    }
}

extension NoiseSource {
    /// For as many images from the option `seed` of a call: one generator, or one for each. Fails with `.option`.
    init(_ options: Options, images: Int) throws(PixArtError) {
        let seeds = options.seeds("seed")
        guard options.isArray("seed") else {
            self.init(seed: seeds[0], images: images)
            return
        }
        guard seeds.count == images else {
            throw .option("option \"seed\" has \(seeds.count) seeds, expected one for each of the \(images) images")
        }
        self.init(seeds: seeds)
    }
}
