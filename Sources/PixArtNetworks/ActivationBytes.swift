import PixArtCompute

// What a run of each network takes of memory beside its weights, in bytes, so that a host can decide before it runs. These
// are sums over the buffers that the forward passes allocate; who changes these changes the sums with them.

extension PixArtTransformer {
    /// Memory of a run over `items` latents of `latentHeight` x `latentWidth`, guided by `prompts` prompts of `tokens`
    /// tokens, on the workers of `pool`.
    package static func activationBytes(
        _ configuration: Configuration, items: Int, latentHeight: Int, latentWidth: Int, prompts: Int, tokens: Int,
        compute: Compute, _ pool: ThreadPool
    ) -> Int {
        let patch = configuration.patchSize * configuration.patchSize
        let (count, width) = (latentHeight * latentWidth / patch, configuration.width)
        let rows = items * count
        let form = pool.form(for: compute)
        let attentionForm = Activations.attentionForm(configuration, compute, pool)
        // The residual stream and its last norm, float32 [N*T, D], and positions [T, D].
        var bytes = 4 * width * (2 * rows + count)
        // Rows for products [N*T, D], and [N*T, 4D], which attention shares; rounded once more for a third form.
        bytes += rows * width * (form.size + 4 * attentionForm.size + (form == attentionForm ? 0 : 4 * form.size))
        // Patches in and out, and the latents that they are made from and become.
        bytes += 4 * 2 * rows * patch * (configuration.inChannels + configuration.outChannels)
        // Keys and values [S, D] of every block for every prompt.
        bytes += prompts * 2 * configuration.layers * tokens * width * attentionForm.size
        return bytes + pool.count * ThreadPool.scratchAllowance
    }
}

extension T5Encoder {
    /// Memory of a pass over `tokens` tokens on the workers of `pool`.
    package static func activationBytes(
        _ configuration: Configuration, tokens: Int, compute: Compute, _ pool: ThreadPool
    ) -> Int {
        let inner = configuration.heads * configuration.headWidth
        let form = pool.form(for: compute)
        let gateForm = pool.form(for: compute == .int8 ? .bfloat16 : compute)
        // The residual stream, the embedding and its copy, float32 [S, E]; query, key, value and attended [S, H*K]; the
        // bias of attention [H*S, S].
        var bytes = 4 * tokens * (3 * configuration.width + 4 * inner + configuration.heads * tokens)
        // Rows for products [S, E], [S, H*K] where they are not float32, and [S, F].
        bytes += tokens * (configuration.width + (form == .float32 ? 0 : inner)) * form.size
        bytes += tokens * configuration.feedForwardWidth * gateForm.size
        return bytes + pool.count * ThreadPool.scratchAllowance
    }
}

extension VAEDecoder {
    /// Memory of decoding one latent image of `latentHeight` x `latentWidth` on the workers of `pool`.
    package static func activationBytes(
        _ configuration: Configuration, latentHeight: Int, latentWidth: Int, _ pool: ThreadPool
    ) -> Int {
        var (most, scratch) = (0, 0)
        var pixels = latentHeight * latentWidth
        var channels = configuration.blockChannels.last ?? 0
        if configuration.middleAttention { most = 5 * pixels * channels }
        for (index, outputs) in configuration.blockChannels.reversed().enumerated() {
            // A residual block holds its input and the map between its convolutions. Where channels change, its outputs
            // take the place of its input, one part of them ahead.
            let part = min(pixels, PreparedConvolution.partPixels(pool))
            let maps =
                channels == outputs
                ? 2 * pixels * outputs : max(pixels * channels, 2 * pixels * outputs) + 2 * part * outputs
            most = max(most, maps + PreparedConvolution.weightCount(inputs: channels, outputs: outputs))
            scratch = max(scratch, PreparedConvolution.scratchCount(inputs: channels, outputs: outputs))
            channels = outputs
            most = max(most, 2 * pixels * outputs + PreparedConvolution.weightCount(inputs: outputs, outputs: outputs))
            guard index < configuration.blockChannels.count - 1 else { break }
            pixels *= 4
            most = max(most, (pixels + min(pixels, PreparedConvolution.partPixels(pool))) * outputs)
        }
        let image = pixels * configuration.outChannels
        return 4 * (most + image) + pool.count * (4 * scratch + ThreadPool.scratchAllowance)
    }
}

extension ThreadPool {
    /// What a worker's tiles and panels are counted as, in bytes.
    fileprivate static let scratchAllowance = 2 << 20
}
