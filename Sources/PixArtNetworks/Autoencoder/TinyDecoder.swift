import Glibc
import PixArtCompute
import PixArtStorage

/// The decoder of a tiny autoencoder.
///
/// This implementation matches the decoder of diffusers' `AutoencoderTiny` with ReLU and nearest-neighbor upsampling.
package struct TinyDecoder: AutoencoderDecoder {
    /// Blocks of one size, and the convolution that upsamples; nil on the finest level.
    private struct Level: Sendable {
        let blocks: [TinyBlock]
        let upsampling: Convolution?
    }

    private let input: Convolution
    private let levels: [Level]
    private let output: Convolution

    /// Reads the decoder's weights by their names in diffusers' files and ignores the encoder's. Fails with
    /// `.model`.
    package init(_ configuration: TinyConfiguration, _ reader: WeightReader) throws(PixArtError) {
        reader.begin(.tinyDecoder)
        let channels = configuration.channels
        input = try reader.convolution("decoder.layers.0", outputs: channels, inputs: configuration.latentChannels)
        // Layers without weights, such as the activation after the first, have numbers too.
        var layer = 2
        var levels: [Level] = []
        for (index, count) in configuration.blocks.enumerated() {
            var blocks: [TinyBlock] = []
            for _ in 0..<count {
                blocks.append(try TinyBlock("decoder.layers.\(layer)", channels: channels, reader))
                layer += 1
            }
            var upsampling: Convolution?
            if index < configuration.blocks.count - 1 {
                upsampling = try reader.convolution(
                    "decoder.layers.\(layer + 1)", outputs: channels, inputs: channels, bias: false)
                layer += 2
            }
            levels.append(Level(blocks: blocks, upsampling: upsampling))
        }
        self.levels = levels
        output = try reader.convolution("decoder.layers.\(layer)", outputs: 3, inputs: channels)
        try reader.finish()
    }

    package func decode(_ latents: FeatureMap, lowMemory: Bool, _ pool: ThreadPool) throws(PixArtError) -> FeatureMap {
        let buffers = BufferPool()
        let source = try FeatureMap(height: latents.height, width: latents.width, channels: latents.channels)
        for pixel in 0..<latents.pixels.rows {
            for channel in 0..<latents.channels {
                source.pixels[pixel, channel] = tanhf(latents.pixels[pixel, channel] / 3) * 3
            }
        }
        var x = try FeatureMap(height: source.height, width: source.width, channels: input.outputs, buffers)
        try input.apply(to: source, into: x, relu: true, pool, buffers)
        for (index, level) in levels.enumerated() {
            for block in level.blocks { try block(x, pool, buffers) }
            if let upsampling = level.upsampling { x = try upsampling.upsample(x, pool, buffers).map }
            try CallProgress.report(share: Double(index + 1) / Double(levels.count))
        }
        let image = try FeatureMap(height: x.height, width: x.width, channels: output.outputs)
        try output.apply(to: x, into: image, pool, buffers)
        // From 0 ... 1 to -1 ... 1.
        try ChannelAffine(scale: [2, 2, 2], shift: [-1, -1, -1], silu: false)
            .apply(to: image.pixels, into: image.pixels, pool)
        return image
    }
}
