import PixArtCompute

// Memory of a run of each network besides its weights, in bytes. A host can decide with it before it runs. These are
// sums over the buffers that the forward passes allocate; change both together.

extension PixArtTransformer {
    /// Memory of a run over `items` latent images of `latentHeight` x `latentWidth`, with `prompts` prompts of
    /// `tokens` tokens, on the workers of `pool`. A ControlNet has `copies` blocks and `hints` control images. `cache`
    /// is what later steps add again.
    package static func activationBytes(
        _ configuration: Configuration, items: Int, latentHeight: Int, latentWidth: Int, prompts: Int, tokens: Int,
        copies: Int = 0, hints: Int = 0, cache: StepCache.Contents? = nil, compute: ComputePrecision,
        attention: AttentionPrecision? = nil, _ pool: ThreadPool
    ) -> Int {
        let patch = configuration.patchSize * configuration.patchSize
        let (count, width) = (latentHeight * latentWidth / patch, configuration.width)
        let rows = items * count
        let encoding = pool.encoding(for: compute)
        let attentionEncoding = Activations.attentionEncoding(configuration, compute, pool)
        // The residual stream, float32 [B*T, D], and positions [T, D].
        var bytes = 4 * width * (rows + count)
        // GEMM activations [B*T, D] and [B*T, 4D], which attention shares; rounded once more for a third encoding,
        // or for int8 attention.
        bytes += rows * width * (encoding.size + 4 * attentionEncoding.size)
        let further = Activations.furtherRows(items: items, tokens: count, configuration, compute, attention, pool)
        bytes += further * width * 4 * encoding.size
        // Patches in and out, and the latents before and after.
        bytes += 4 * 2 * rows * patch * (configuration.inChannels + configuration.outChannels)
        // The cross-attention cache: keys and values [S, D] of every block for every prompt.
        bytes += prompts * 2 * (configuration.layers + copies) * tokens * width * attentionEncoding.size
        // The residual stream of a ControlNet, float32 [N*T, D], and its hints [B*T, D].
        if copies > 0 { bytes += 4 * width * (rows + hints * count) }
        bytes += cache?.bytes(rows: rows, width: width, copies: copies, outputs: attentionEncoding) ?? 0
        return bytes + pool.count * ThreadPool.scratchAllowance
    }
}

extension T5Encoder {
    /// Memory of a pass over `tokens` tokens on the workers of `pool`.
    package static func activationBytes(
        _ configuration: Configuration, tokens: Int, compute: ComputePrecision, _ pool: ThreadPool
    ) -> Int {
        let inner = configuration.heads * configuration.headWidth
        let encoding = pool.encoding(for: compute)
        let gateEncoding = pool.encoding(for: compute == .int8 ? .bfloat16 : compute)
        // The residual stream, the embedding and its copy, float32 [S, E]; query, key, value and attention
        // output [S, H*K]; the attention bias [H*S, S].
        var bytes = 4 * tokens * (3 * configuration.width + 4 * inner + configuration.heads * tokens)
        // GEMM activations [S, E], [S, H*K] if they are not float32, and [S, F].
        bytes += tokens * (configuration.width + (encoding == .float32 ? 0 : inner)) * encoding.size
        bytes += tokens * configuration.feedForwardWidth * gateEncoding.size
        return bytes + pool.count * ThreadPool.scratchAllowance
    }
}

extension VAEDecoder {
    /// Memory of decoding one latent image of `latentHeight` x `latentWidth` on the workers of `pool`.
    package static func activationBytes(
        _ configuration: VAEConfiguration, latentHeight: Int, latentWidth: Int, lowMemory: Bool, _ pool: ThreadPool
    ) -> Int {
        var maps = MapMemory(pool)
        var pixels = latentHeight * latentWidth
        var channels = configuration.blockChannels.last ?? 0
        if configuration.middleAttention { maps.hold(5 * pixels * channels) }
        for (index, outputs) in configuration.blockChannels.reversed().enumerated() {
            if lowMemory && index == configuration.blockChannels.count - 1 {
                maps.recomputedBlock(pixels, from: channels, to: outputs)
                break
            }
            if index > 0 { maps.hold((pixels + maps.part(of: pixels)) * channels) }
            maps.residualBlock(pixels, from: channels, to: outputs)
            channels = outputs
            maps.residualBlock(pixels, from: outputs, to: outputs)
            pixels *= 4
        }
        let scale = configuration.scale
        return maps.bytes(adding: 3 * latentHeight * latentWidth * scale * scale)
    }
}

extension VAEEncoder {
    /// Memory of encoding one image of `height` x `width` pixels on the workers of `pool`.
    package static func activationBytes(
        _ configuration: VAEConfiguration, height: Int, width: Int, _ pool: ThreadPool
    ) -> Int {
        var maps = MapMemory(pool)
        var pixels = height * width
        var channels = configuration.blockChannels[0]
        for (index, outputs) in configuration.blockChannels.enumerated() {
            maps.residualBlock(pixels, from: channels, to: outputs)
            channels = outputs
            maps.residualBlock(pixels, from: outputs, to: outputs)
            guard index < configuration.blockChannels.count - 1 else { break }
            maps.downsampling(pixels, channels: outputs)
            pixels /= 4
        }
        if configuration.middleAttention { maps.hold(5 * pixels * channels) }
        return maps.bytes(adding: 3 * height * width + 4 * pixels * configuration.latentChannels)
    }
}

extension TinyDecoder {
    /// Memory of decoding one latent image of `latentHeight` x `latentWidth` on the workers of `pool`.
    package static func activationBytes(
        _ configuration: TinyConfiguration, latentHeight: Int, latentWidth: Int, _ pool: ThreadPool
    ) -> Int {
        var maps = MapMemory(pool)
        var pixels = latentHeight * latentWidth
        for (index, blocks) in configuration.blocks.enumerated() {
            if index > 0 {
                pixels *= 4
                maps.hold((pixels + maps.part(of: pixels)) * configuration.channels)
            }
            if blocks > 0 { maps.tinyBlock(pixels, channels: configuration.channels) }
        }
        return maps.bytes(adding: 3 * pixels)
    }
}

extension TinyEncoder {
    /// Memory of encoding one image of `height` x `width` pixels on the workers of `pool`.
    package static func activationBytes(
        _ configuration: TinyConfiguration, height: Int, width: Int, _ pool: ThreadPool
    ) -> Int {
        var maps = MapMemory(pool)
        var pixels = height * width
        for (index, blocks) in configuration.blocks.enumerated() {
            if index > 0 {
                maps.downsampling(pixels, channels: configuration.channels)
                pixels /= 4
            }
            if blocks > 0 { maps.tinyBlock(pixels, channels: configuration.channels) }
        }
        return maps.bytes(adding: 3 * height * width + pixels * configuration.latentChannels)
    }
}

/// The largest sum of maps and transformed weights at a time, in elements, and the memory of the workers.
private struct MapMemory {
    private let pool: ThreadPool
    private var most = 0
    private var scratch = 0

    init(_ pool: ThreadPool) { self.pool = pool }

    mutating func hold(_ elements: Int) { most = max(most, elements) }

    /// Pixels of a part of a map that is computed part by part.
    func part(of pixels: Int) -> Int { min(pixels, WinogradConvolution.partPixels(pool)) }

    private mutating func convolution(from inputs: Int, to outputs: Int, adding maps: Int) {
        hold(maps + WinogradConvolution.weightCount(inputs: inputs, outputs: outputs))
        scratch = max(scratch, WinogradConvolution.scratchCount(inputs: inputs, outputs: outputs))
    }

    /// Input, and the map between the convolutions. If the number of channels changes, outputs take the place of
    /// the input, one part ahead.
    mutating func residualBlock(_ pixels: Int, from inputs: Int, to outputs: Int) {
        let maps =
            inputs == outputs
            ? 2 * pixels * outputs : max(pixels * inputs, 2 * pixels * outputs) + 2 * part(of: pixels) * outputs
        convolution(from: inputs, to: outputs, adding: maps)
    }

    /// The output, which takes the place of an input of a quarter of its pixels, and strips of the upsampled input and of
    /// the map between the convolutions.
    mutating func recomputedBlock(_ pixels: Int, from inputs: Int, to outputs: Int) {
        let strip = min(pixels, 3 * part(of: pixels))
        let weights =
            WinogradConvolution.weightCount(inputs: inputs, outputs: inputs)
            + WinogradConvolution.weightCount(inputs: outputs, outputs: outputs)
        let maps = max(pixels * outputs, pixels / 4 * inputs) + strip * (inputs + inputs / 4 + outputs)
        convolution(from: inputs, to: outputs, adding: maps + weights)
    }

    /// Input and two maps; the second one takes the place of the first.
    mutating func tinyBlock(_ pixels: Int, channels: Int) {
        convolution(from: channels, to: channels, adding: (2 * pixels + part(of: pixels)) * channels)
    }

    /// A map and another one of half its size.
    mutating func downsampling(_ pixels: Int, channels: Int) {
        hold((pixels + pixels / 4) * channels + StridedConvolution.weightCount(inputs: channels, outputs: channels))
    }

    /// The total, with `elements` that are held throughout.
    func bytes(adding elements: Int) -> Int {
        4 * (most + elements) + pool.count * (4 * scratch + ThreadPool.scratchAllowance)
    }
}

extension ThreadPool {
    /// Bytes that are counted for a worker's tiles and panels.
    fileprivate static let scratchAllowance = 2 << 20
}
