import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// The third stage: latents to images. Thread-safe.
package final class Decoder: StageHandle {
    package let opened: OpenedNetwork<DecoderDescription>

    /// Opens the decoder of the part `vae` of a checkpoint.
    package init(model: String, _ options: DecoderOpenOptions) throws(PixArtError) {
        let checkpoint = try Checkpoint(model: model, options.network.source)
        opened = try OpenedNetwork(DecoderDescription(checkpoint), .vae, of: checkpoint, options.network)
    }

    /// Decodes latents, float32 [B, C, Y, X], to images, uint8 or float32 [B, height, width, 3]. Fails with `.argument` and
    /// `.option`.
    package func decode(_ latents: Tensor, _ options: DecodeOptions) throws(PixArtError) -> Tensor {
        let autoencoder = opened.description.autoencoder
        guard let shape = LatentShape(latents), shape.channels == autoencoder.latentChannels,
            shape.dimensions.allSatisfy({ $0 > 0 })
        else {
            throw .argument(
                "latents are \(latents.description), expected float32 [B, \(autoencoder.latentChannels), Y, X]")
        }
        try latents.requireFinite("latents")
        let size = try requestedSize(options) ?? (shape.height * autoencoder.scale, shape.width * autoencoder.scale)
        let isBytes = options.outputType == .uint8
        return try Tensor(
            isBytes ? .uint8 : .float32, shape: [shape.images, size.height, size.width, 3]
        ) { target throws(PixArtError) in
            for image in 0..<shape.images {
                try CallProgress.report(step: image, of: shape.images)
                let decoded = try decode(latents, shape, image: image, lowMemory: options.lowMemory)
                    .resizedAndCropped(height: size.height, width: size.width)
                let share = target.count / shape.images
                let place = UnsafeMutableRawBufferPointer(rebasing: target[image * share..<(image + 1) * share])
                if isBytes { decoded.writeBytes(to: place) } else { decoded.writeFloats(to: place) }
            }
            try CallProgress.report(step: shape.images, of: shape.images)
        }
    }

    /// One image of the latents.
    private func decode(
        _ latents: Tensor, _ shape: LatentShape, image: Int, lowMemory: Bool
    ) throws(PixArtError) -> DecodedImage {
        let map = try FeatureMap(height: shape.height, width: shape.width, channels: shape.channels)
        let factor = opened.description.autoencoder.scalingFactor
        latents.withFloats { values in
            for channel in 0..<shape.channels {
                for position in 0..<shape.plane {
                    map.pixels[position, channel] = values[shape.index(image, channel, position)] / factor
                }
            }
        }
        return DecodedImage(try opened.network.decode(map, lowMemory: lowMemory, opened.pool))
    }

    private func requestedSize(_ options: DecodeOptions) throws(PixArtError) -> (height: Int, width: Int)? {
        switch (options.height, options.width) {
        case (nil, nil): return nil
        case (let height?, let width?): return (height, width)
        case (_, nil): throw .option("option \"width\" is null, expected a width because a height is given")
        case (nil, _): throw .option("option \"height\" is null, expected a height because a width is given")
        }
    }
}
