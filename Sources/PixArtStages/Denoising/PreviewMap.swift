import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// A linear map from the latents of the denoiser to colours, for previews.
package struct PreviewMap: Sendable {
    /// Red, green and blue of each channel, [C][3], from -1 to 1.
    private let factors: [[Float]]
    /// Red, green and blue of latents that are 0, [3].
    private let bias: [Float]

    /// The widely used map for the VAE of Stable Diffusion, which PixArt-alpha has.
    package static let stableDiffusion = PreviewMap([
        [0.3512, 0.2297, 0.3227], [0.3250, 0.4974, 0.2350], [-0.2829, 0.1762, 0.2721], [-0.2120, -0.2616, -0.7177],
    ])

    /// The widely used map for the VAE of Stable Diffusion XL, which PixArt-Sigma has.
    package static let stableDiffusionXL = PreviewMap(
        [
            [0.3651, 0.4232, 0.4341], [-0.2533, -0.0042, 0.1068], [0.1076, 0.1111, -0.0362],
            [-0.3165, -0.2492, -0.2188],
        ], bias: [0.1084, -0.0175, -0.0011])

    private init(_ factors: [[Double]], bias: [Double] = [0, 0, 0]) {
        self.factors = factors.map { $0.map { Float($0) } }
        self.bias = bias.map { Float($0) }
    }

    /// The map of a checkpoint: from the keys `latent_rgb_factors` and `latent_rgb_bias` of its `vae/config.json`, else by
    /// the `scaling_factor` in that file, else by its pipeline. Fails with `.model`, and as reading the file does.
    init(_ checkpoint: Checkpoint) throws(PixArtError) {
        guard case .pipeline = checkpoint.location, checkpoint.contains(.vae) else {
            self = Self.published(checkpoint.pipeline)
            return
        }
        let file = try checkpoint.configuration(.vae)
        guard file.isAbsent("latent_rgb_factors") else {
            let bias = file.isAbsent("latent_rgb_bias") ? [0, 0, 0] : try file.vector("latent_rgb_bias", count: 3)
            self.init(try file.vectors("latent_rgb_factors", count: 3), bias: bias)
            return
        }
        switch file["scaling_factor"]?.number {
        case 0.18215: self = Self.stableDiffusion
        case 0.13025: self = Self.stableDiffusionXL
        default: self = Self.published(checkpoint.pipeline)
        }
    }

    private static func published(_ pipeline: Pipeline) -> PreviewMap {
        pipeline == .alpha ? stableDiffusion : stableDiffusionXL
    }

    /// The map of a preview of `channels` channels: from its options, else from the checkpoint. Fails with `.option`, and
    /// with the error of `checkpoint`.
    init(
        _ options: SamplerPreviewOptions, channels: Int, checkpoint: Result<PreviewMap, PixArtError>
    ) throws(PixArtError) {
        if let factors = options.factors {
            guard factors.count == channels else {
                throw .option(
                    "option \"rgb_factors\" has \(factors.count) rows, expected \(channels), one for each channel")
            }
            self.init(factors, bias: options.bias ?? [0, 0, 0])
            return
        }
        let own = try checkpoint.get()
        guard own.factors.count == channels else {
            throw .option(
                "option \"rgb_factors\" is null, expected \(channels) rows: the checkpoint's vae/config.json has no "
                    + "\"latent_rgb_factors\" of \(channels) channels")
        }
        self.init(own, bias: options.bias)
    }

    private init(_ other: PreviewMap, bias: [Double]?) {
        factors = other.factors
        self.bias = bias?.map { Float($0) } ?? other.bias
    }

    /// The preview of latents [B, C, Y, X], uint8 [B, Y, X, 3].
    package func preview(of latents: Latents) throws(PixArtError) -> Tensor {
        let shape = latents.shape
        return try Tensor(.uint8, shape: [shape.images, shape.height, shape.width, 3]) { target throws(PixArtError) in
            for image in 0..<shape.images {
                let map = try FeatureMap(height: shape.height, width: shape.width, channels: 3)
                for pixel in 0..<shape.plane {
                    for color in 0..<3 {
                        var value = bias[color]
                        for channel in 0..<shape.channels {
                            value += factors[channel][color] * latents.values[shape.index(image, channel, pixel)]
                        }
                        map.pixels[pixel, color] = value
                    }
                }
                let place = target[image * 3 * shape.plane..<(image + 1) * 3 * shape.plane]
                DecodedImage(map).writeBytes(to: UnsafeMutableRawBufferPointer(rebasing: place))
            }
        }
    }
}
