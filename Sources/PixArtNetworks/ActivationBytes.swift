import PixArtCompute

// What a run of each network takes of memory beside its weights, in bytes, so that a host can decide before it runs. These
// are sums over the buffers that the forward passes allocate; who changes these changes the sums with them. Memory of the
// workers (tiles, panels) is counted with a fixed allowance for each.

extension PixArtTransformer {
    /// Memory of a run over `items` latents of `latentHeight` x `latentWidth`, each guided by one of `prompts` prompts of
    /// `tokens` tokens.
    package static func activationBytes(
        _ configuration: Configuration, items: Int, latentHeight: Int, latentWidth: Int, prompts: Int, tokens: Int,
        compute: Compute, workers: Int
    ) -> Int {
        let patch = configuration.patchSize * configuration.patchSize
        let (count, width) = (latentHeight * latentWidth / patch, configuration.width)
        let rows = items * count
        // x and normed [N*T, D], hidden [N*T, 4D], which attention shares; positions [T, D].
        let stream = 6 * rows * width + count * width
        // Patches in and out, and the latents that they are made from and become.
        let edges = 2 * rows * patch * (configuration.inChannels + configuration.outChannels)
        // Keys and values [S, D] of every block for every prompt.
        let context = prompts * 2 * configuration.layers * tokens * width
        return 4 * (stream + edges + context) + workers * ThreadPool.scratchAllowance
    }
}

extension T5Encoder {
    /// Memory of a pass over `tokens` tokens.
    package static func activationBytes(
        _ configuration: Configuration, tokens: Int, compute: Compute, workers: Int
    ) -> Int {
        let inner = configuration.heads * configuration.headWidth
        // x and normed [S, E], query, key, value and attended [S, H*K], gate and up [S, F], bias [H*S, S].
        let rows =
            tokens
            * (2 * configuration.width + 4 * inner + 2 * configuration.feedForwardWidth + configuration.heads * tokens)
        return 4 * rows + workers * ThreadPool.scratchAllowance
    }
}

extension VAEDecoder {
    /// Memory of decoding one latent image of `latentHeight` x `latentWidth`.
    package static func activationBytes(
        _ configuration: Configuration, latentHeight: Int, latentWidth: Int, workers: Int
    ) -> Int {
        var largest = 0
        var pixels = latentHeight * latentWidth
        var channels = configuration.blockChannels.last ?? 0
        if configuration.middleAttention { largest = 5 * pixels * channels }
        for (index, width) in configuration.blockChannels.reversed().enumerated() {
            // A residual block holds its input, the map between its convolutions, and their sum where channels change.
            largest = max(largest, pixels * (channels + width + (channels == width ? 0 : width)))
            channels = width
            guard index < configuration.blockChannels.count - 1 else { break }
            largest = max(largest, 5 * pixels * width)  // a map and its enlargement
            pixels *= 4
        }
        return 4 * (largest + pixels * configuration.outChannels) + workers * ThreadPool.scratchAllowance
    }
}

extension ThreadPool {
    /// What a worker's memory is counted as, in bytes.
    fileprivate static let scratchAllowance = 8 << 20
}
