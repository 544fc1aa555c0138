import PixArtCompute
import PixArtStorage

/// The decoder of a variational autoencoder: latents in, image out.
///
/// This implementation matches the decoder of diffusers' `AutoencoderKL` with `UpDecoderBlock2D` blocks and SiLU.
package struct VAEDecoder: AutoencoderDecoder {
    /// The convolution that upsamples to this size, nil on the coarsest level, and the residual blocks of this size.
    private struct Level: Sendable {
        let upsampling: Convolution?
        let blocks: [ResidualBlock]
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
        var upsampling: Convolution?
        for (index, width) in configuration.blockChannels.reversed().enumerated() {
            var blocks: [ResidualBlock] = []
            for layer in 0...configuration.layersPerBlock {
                let name = "decoder.up_blocks.\(index).resnets.\(layer)"
                blocks.append(try ResidualBlock(name, inputs: channels, outputs: width, groups: groups, reader))
                channels = width
            }
            levels.append(Level(upsampling: upsampling, blocks: blocks))
            guard index < configuration.blockChannels.count - 1 else { break }
            upsampling = try reader.convolution(
                "decoder.up_blocks.\(index).upsamplers.0.conv", outputs: width, inputs: width)
        }
        self.levels = levels
        outputNorm = try reader.groupNorm("decoder.conv_norm_out", channels: channels, groups: groups, epsilon: 1e-6)
        output = try reader.convolution("decoder.conv_out", outputs: 3, inputs: channels)
        try reader.finish()
    }

    package func decode(_ latents: FeatureMap, lowMemory: Bool, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap {
        try self(latents, lowMemory: lowMemory, pool)
    }

    /// With `lowMemory`, the finest level holds one map, and computes strips of the others again whenever it needs
    /// them. `afterPart` is called with the map after the mid block, after each upsampling unless only strips of its
    /// result are held, and after the last level.
    package func callAsFunction(
        _ latents: FeatureMap, lowMemory: Bool = false, _ pool: ThreadPool, afterPart: (FeatureMap) -> Void = { _ in }
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
            if lowMemory && index == levels.count - 1 {
                x = try recompute(level, x, pool, buffers)
            } else {
                if let upsampling = level.upsampling {
                    x = try upsampling.upsample(x.map, pool, buffers)
                    afterPart(x.map)
                }
                for block in level.blocks { x = try block(x, pool, buffers) }
            }
            try CallProgress.report(share: Double(index + 1) / Double(levels.count))
        }
        afterPart(x.map)
        let image = try FeatureMap(height: x.map.height, width: x.map.width, channels: output.outputs)
        let transform = outputNorm.transform(of: x.sums, silu: true)
        try output.apply(to: x.map, transform: transform, into: image, pool, buffers)
        return image
    }

    /// The result of a level, which is the only whole map of its size. Consumes `x`.
    private func recompute(
        _ level: Level, _ x: FeatureMapWithStatistics, _ pool: ThreadPool, _ buffers: BufferPool
    ) throws(PixArtError) -> FeatureMapWithStatistics {
        var x = x
        var blocks = level.blocks[...]
        if let upsampling = level.upsampling, let block = blocks.popFirst() {
            x = try block.recompute(UpsampledStrips(of: x.map, upsampling, pool, buffers), pool, buffers)
        }
        for block in blocks { x = try block.recompute(x, pool, buffers) }
        return x
    }
}
