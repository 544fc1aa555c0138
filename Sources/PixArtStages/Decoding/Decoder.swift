import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// The third stage: latents to images. Any number of threads may use it at once.
package final class Decoder: ProcessBound, Sendable {
    private let opened: OpenedNetwork<DecoderDescription>

    /// Opens the decoder of the part `vae` of a checkpoint.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        opened = try OpenedNetwork(DecoderDescription(checkpoint), .vae, of: checkpoint, options)
    }

    /// What the decoder takes of memory when it decodes images of the size that the options say. Fails with `.option`.
    package func memory(_ options: Options) throws(PixArtError) -> MemoryReport { try opened.memory(options) }

    /// What the decoder was opened from, and how.
    package var report: HandleReport { opened.report }

    /// Where the time of the decoder went since it was opened.
    package var profile: Profile { opened.profile }

    package var process: ProcessIdentity { opened.process }

    /// Images of latents, float32 [B, C, Y, X]: uint8 or float32 [B, height, width, 3].
    package func decode(_ latents: Tensor, _ options: Options) throws(PixArtError) -> Tensor {
        let (channels, scale) = (opened.description.autoencoder.latentChannels, opened.description.autoencoder.scale)
        guard latents.element == .float32, latents.shape.count == 4, latents.shape[1] == channels,
            latents.shape.allSatisfy({ $0 > 0 })
        else {
            throw .argument("latents are \(latents.description), expected float32 [B, \(channels), Y, X]")
        }
        try latents.requireFinite("latents")
        let (batch, height, width) = (latents.shape[0], latents.shape[2], latents.shape[3])
        let size = try requestedSize(options) ?? (height * scale, width * scale)
        let isBytes = options.string("output_type") == "uint8"
        let values = latents.floats
        return try Tensor(
            isBytes ? .uint8 : .float32, shape: [batch, size.height, size.width, 3]
        ) { target throws(PixArtError) in
            for index in 0..<batch {
                let latent = channels * height * width
                let picture = try decode(values[index * latent..<(index + 1) * latent], height: height, width: width)
                    .resizedAndCropped(height: size.height, width: size.width)
                let share = target.count / batch
                let place = UnsafeMutableRawBufferPointer(rebasing: target[index * share..<(index + 1) * share])
                if isBytes { picture.writeBytes(to: place) } else { picture.writeFloats(to: place) }
            }
        }
    }

    /// One latent image [C, Y, X] as a picture.
    private func decode(_ latents: ArraySlice<Float>, height: Int, width: Int) throws(PixArtError) -> Picture {
        let map = try FeatureMap(height: height, width: width, channels: opened.description.autoencoder.latentChannels)
        for (index, value) in latents.enumerated() {
            map.pixels[index % (height * width), index / (height * width)] = value / opened.description.autoencoder.scalingFactor
        }
        return Picture(try opened.network.decode(map, opened.pool))
    }

    private func requestedSize(_ options: Options) throws(PixArtError) -> (height: Int, width: Int)? {
        switch (options.integer("height"), options.integer("width")) {
        case (nil, nil): return nil
        case (let height?, let width?): return (height, width)
        case (_, nil): throw .option("option \"width\" is null, expected a width because a height is given")
        case (nil, _): throw .option("option \"height\" is null, expected a height because a width is given")
        }
    }
}
