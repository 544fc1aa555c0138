import PixArtCompute
import PixArtStorage

/// The decoder of a variational autoencoder: latents in, image out.
///
/// This implementation matches the decoder of diffusers' `AutoencoderKL` with `UpDecoderBlock2D` blocks and SiLU.
package struct VAEDecoder: AutoencoderDecoder {
    /// Residual blocks of one size, and the convolution that upsamples; nil on the finest level.
    private struct Level: Sendable {
        let blocks: [ResidualBlock]
        let upsampling: Convolution?
    }

    private let postQuantization: Linear?
    private let input: Convolution
    private let middle: MidBlock
    private let levels: [Level]
    private let outputNorm: GroupNorm
    private let output: Convolution

    /// Reads the decoder's weights by their names in diffusers' files and ignores the encoder's. Fails with
    /// `.model`.
    package init(_ configuration: VAEConfiguration, _ reader: WeightReader) throws(PixArtError) {
        reader.begin(.vaeDecoder)
        let groups = configuration.groups
        let latents = configuration.latentChannels
        var channels = configuration.blockChannels[configuration.blockChannels.count - 1]
        postQuantization =
            configuration.postQuantConvolution
            ? try reader.pointwise("post_quant_conv", outputs: latents, inputs: latents) : nil
        input = try reader.convolution("decoder.conv_in", outputs: channels, inputs: latents)
        middle = try MidBlock("decoder", configuration, reader)
        var levels: [Level] = []
        for (index, width) in configuration.blockChannels.reversed().enumerated() {
            var blocks: [ResidualBlock] = []
            for layer in 0...configuration.layersPerBlock {
                let name = "decoder.up_blocks.\(index).resnets.\(layer)"
                blocks.append(try ResidualBlock(name, inputs: channels, outputs: width, groups: groups, reader))
                channels = width
            }
            let isFinest = index == configuration.blockChannels.count - 1
            let upsampling = "decoder.up_blocks.\(index).upsamplers.0.conv"
            levels.append(
                Level(
                    blocks: blocks,
                    upsampling: isFinest ? nil : try reader.convolution(upsampling, outputs: width, inputs: width)))
        }
        self.levels = levels
        outputNorm = try reader.groupNorm("decoder.conv_norm_out", channels: channels, groups: groups, epsilon: 1e-6)
        output = try reader.convolution("decoder.conv_out", outputs: 3, inputs: channels)
        try reader.finish()
    }

    package func decode(_ latents: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap {
        try self(latents, pool)
    }

    /// `afterPart` is called with the map after the mid block and after each level.
    package func callAsFunction(
        _ latents: FeatureMap, _ pool: ThreadPool, afterPart: (FeatureMap) -> Void = { _ in }
    ) throws(PixArtError) -> FeatureMap {
        let buffers = BufferPool()
        var source = latents
        if let postQuantization {
            source = try FeatureMap(height: latents.height, width: latents.width, channels: latents.channels)
            try postQuantization(latents.pixels, into: source.pixels, pool)
        }
        let first = try FeatureMap(height: source.height, width: source.width, channels: input.outputs, buffers)
        var x = FeatureMapWithStatistics(map: first, sums: try input.apply(to: source, into: first, pool, buffers))
        x = try middle(x, pool, buffers)
        afterPart(x.map)
        for (index, level) in levels.enumerated() {
            for block in level.blocks { x = try block(x, pool, buffers) }
            if let upsampling = level.upsampling { x = try upsampling.upsample(x.map, pool, buffers) }
            try CallProgress.report(share: Double(index + 1) / Double(levels.count))
            afterPart(x.map)
        }
        let image = try FeatureMap(height: x.map.height, width: x.map.width, channels: output.outputs)
        let transform = outputNorm.transform(of: x.sums, silu: true)
        try output.apply(to: x.map, transform: transform, into: image, pool, buffers)
        return image
    }
}
