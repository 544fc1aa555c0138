import PixArtCompute
import PixArtStorage

/// The encoder of a tiny autoencoder.
///
/// This implementation matches the encoder of diffusers' `AutoencoderTiny` with ReLU.
package struct TinyEncoder: AutoencoderEncoder {
    /// The convolution that downsamples, nil on the finest level, and blocks of one size.
    private struct Level: Sendable {
        let downsampling: StridedConvolution?
        let blocks: [TinyBlock]
    }

    private let input: Convolution
    private let levels: [Level]
    private let output: Convolution

    /// Reads the encoder's weights by their names in diffusers' files and ignores the decoder's. Fails with
    /// `.model`.
    package init(_ configuration: TinyConfiguration, _ reader: WeightReader) throws(PixArtError) {
        reader.begin(.tinyEncoder)
        let channels = configuration.channels
        input = try reader.convolution("encoder.layers.0", outputs: channels, inputs: 3)
        var layer = 1
        var levels: [Level] = []
        for (index, count) in configuration.blocks.enumerated() {
            var downsampling: StridedConvolution?
            if index > 0 {
                let name = "encoder.layers.\(layer)"
                downsampling = StridedConvolution(
                    try reader.convolution(name, outputs: channels, inputs: channels, bias: false), padding: .around)
                layer += 1
            }
            var blocks: [TinyBlock] = []
            for _ in 0..<count {
                blocks.append(try TinyBlock("encoder.layers.\(layer)", channels: channels, reader))
                layer += 1
            }
            levels.append(Level(downsampling: downsampling, blocks: blocks))
        }
        self.levels = levels
        output = try reader.convolution(
            "encoder.layers.\(layer)", outputs: configuration.latentChannels, inputs: channels)
        try reader.finish()
    }

    package func encode(_ image: FeatureMap, _ pool: ThreadPool) throws(PixArtError) -> LatentDistribution {
        let buffers = BufferPool()
        var x = try FeatureMap(height: image.height, width: image.width, channels: input.outputs, buffers)
        // From -1 ... 1 to 0 ... 1, which is padded with 0.
        let brightness = ChannelAffine(scale: [0.5, 0.5, 0.5], shift: [0.5, 0.5, 0.5], silu: false)
        try input.apply(to: image, transform: brightness, into: x, pool, buffers)
        for level in levels {
            if let downsampling = level.downsampling { x = try downsampling.downsample(x, pool, buffers).map }
            for block in level.blocks { try block(x, pool, buffers) }
        }
        let latents = try FeatureMap(height: x.height, width: x.width, channels: output.outputs)
        try output.apply(to: x, into: latents, pool, buffers)
        return LatentDistribution(mean: latents.pixels, logVariance: nil)
    }
}
