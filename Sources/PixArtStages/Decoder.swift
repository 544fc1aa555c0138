import PixArtCompute
import PixArtFormats
import PixArtNetworks

/// The third stage: latents to images. Any number of threads may use it at once.
package final class Decoder: Sendable {
    private let network: VAEDecoder
    private let scalingFactor: Float
    private let pool: ThreadPool
    private let weights: WeightFootprint

    /// Opens the part `vae` of a checkpoint.
    package init(model: String, _ options: Options) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        let file = try checkpoint.configuration(Part.vae.configuration)
        let configuration = try VAEDecoder.Configuration(file)
        scalingFactor = Float(try file.number("scaling_factor", in: 1e-6...1e6, default: 0.18215))
        for key in ["shift_factor", "latents_mean", "latents_std"] where !file.isAbsent(key) {
            throw file.unsupported(key, found: "set", ["null"])
        }
        let source = try checkpoint.weights(.vae, variant: options.string("variant"))
        let precision = try WorkingPrecision(options, storedAs: source)
        pool = try ThreadPool(options)
        let reader = WeightReader(WeightSupply(source, precision: precision.weights, pool))
        network = try VAEDecoder(configuration, reader)
        weights = reader.footprint
    }

    /// What the decoder takes of memory when it decodes pictures of the size that the options say.
    package func memory(_ options: Options) -> MemoryReport {
        MemoryReport(
            weights: weights,
            activations: Self.activationBytes(
                network.configuration, options, ownSide: Estimate.decodedSide, pool),
            held: pool.scratchBytes)
    }

    /// Where the time of the decoder went since it was opened.
    package var profile: Profile { pool.profile }

    /// Of decoding pictures of the size that the options say, `ownSide` where they do not.
    static func activationBytes(
        _ configuration: VAEDecoder.Configuration, _ options: Options, ownSide: Int, _ pool: ThreadPool
    ) -> Int {
        let scale = configuration.scale
        let height = ((options.integer("height") ?? ownSide) + scale - 1) / scale
        let width = ((options.integer("width") ?? ownSide) + scale - 1) / scale
        let images = options.integer("num_images_per_prompt") ?? 1
        // Latents and images of the whole batch; pictures are decoded one by one.
        let pixels = scale * scale * configuration.outChannels
        let batch = images * height * width * (2 * 4 * configuration.latentChannels + pixels)
        return batch
            + VAEDecoder.activationBytes(configuration, latentHeight: height, latentWidth: width, pool)
    }

    /// Images of latents, float32 [B, C, Y, X]: uint8 or float32 [B, height, width, 3].
    package func decode(_ latents: Tensor, _ options: Options) throws(PixArtError) -> Tensor {
        let channels = network.configuration.latentChannels
        guard latents.element == .float32, latents.shape.count == 4, latents.shape[1] == channels,
            latents.shape.allSatisfy({ $0 > 0 })
        else {
            throw .argument("latents are \(latents.description), expected float32 [B, \(channels), Y, X]")
        }
        let (batch, height, width) = (latents.shape[0], latents.shape[2], latents.shape[3])
        let size =
            try requestedSize(options) ?? (height * network.configuration.scale, width * network.configuration.scale)
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
        let map = try FeatureMap(height: height, width: width, channels: network.configuration.latentChannels)
        for (index, value) in latents.enumerated() {
            map.pixels[index % (height * width), index / (height * width)] = value / scalingFactor
        }
        return Picture(try network(map, pool))
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
