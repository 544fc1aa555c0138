import PixArtCompute
import PixArtStorage

/// The encoder of a variational autoencoder: image in, distribution of latents out.
///
/// This implementation matches the encoder of diffusers' `AutoencoderKL` with `DownEncoderBlock2D` blocks and SiLU.
package struct VAEEncoder: AutoencoderEncoder {
    /// Residual blocks of one size, and the convolution that downsamples; nil on the coarsest level.
    private struct Level: Sendable {
        let blocks: [ResidualBlock]
        let downsampling: StridedConvolution?
    }

    private let input: Convolution
    private let levels: [Level]
    private let middle: MidBlock
    private let outputNorm: GroupNorm
    private let output: Convolution
    private let quantization: Linear?

    /// Reads the encoder's weights by their names in diffusers' files and ignores the decoder's. Fails with
    /// `.model`.
    package init(_ configuration: VAEConfiguration, _ reader: WeightReader) throws(PixArtError) {
        reader.begin(.vaeEncoder)
        let groups = configuration.groups
        let moments = 2 * configuration.latentChannels
        var channels = configuration.blockChannels[0]
        input = try reader.convolution("encoder.conv_in", outputs: channels, inputs: 3)
        var levels: [Level] = []
        for (index, width) in configuration.blockChannels.enumerated() {
            var blocks: [ResidualBlock] = []
            for layer in 0..<configuration.layersPerBlock {
                let name = "encoder.down_blocks.\(index).resnets.\(layer)"
                blocks.append(try ResidualBlock(name, inputs: channels, outputs: width, groups: groups, reader))
                channels = width
            }
            var downsampling: StridedConvolution?
            if index < configuration.blockChannels.count - 1 {
                let name = "encoder.down_blocks.\(index).downsamplers.0.conv"
                downsampling = StridedConvolution(
                    try reader.convolution(name, outputs: width, inputs: width), padding: .after)
            }
            levels.append(Level(blocks: blocks, downsampling: downsampling))
        }
        self.levels = levels
        middle = try MidBlock("encoder", configuration, reader)
        outputNorm = try reader.groupNorm("encoder.conv_norm_out", channels: channels, groups: groups, epsilon: 1e-6)
        output = try reader.convolution("encoder.conv_out", outputs: moments, inputs: channels)
        quantization =
            configuration.quantConvolution
            ? try reader.pointwise("quant_conv", outputs: moments, inputs: moments) : nil
        try reader.finish()
    }

    package func encode(_ image: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> LatentDistribution {
        try self(image, pool)
    }

    /// `afterPart` is called with the map after each level and after the mid block.
    package func callAsFunction(
        _ image: FeatureMap, _ pool: ThreadPool, afterPart: (FeatureMap) -> Void = { _ in }
    ) throws(PixArtError) -> LatentDistribution {
        let buffers = BufferPool()
        let first = try FeatureMap(height: image.height, width: image.width, channels: input.outputs, buffers)
        var x = FeatureMapWithStatistics(map: first, sums: try input.apply(to: image, into: first, pool, buffers))
        for (index, level) in levels.enumerated() {
            for block in level.blocks { x = try block(x, pool, buffers) }
            if let downsampling = level.downsampling { x = try downsampling.downsample(x.map, pool, buffers) }
            try CallProgress.report(share: Double(index + 1) / Double(levels.count))
            afterPart(x.map)
        }
        x = try middle(x, pool, buffers)
        afterPart(x.map)
        var moments = try FeatureMap(height: x.map.height, width: x.map.width, channels: output.outputs)
        let transform = outputNorm.transform(of: x.sums, silu: true)
        try output.apply(to: x.map, transform: transform, into: moments, pool, buffers)
        if let quantization {
            let raw = moments
            moments = try FeatureMap(height: raw.height, width: raw.width, channels: raw.channels)
            try quantization(raw.pixels, into: moments.pixels, pool)
        }
        let channels = moments.channels / 2
        return LatentDistribution(
            mean: moments.pixels.columns(0..<channels), logVariance: moments.pixels.columns(channels..<2 * channels))
    }
}
