import PixArtCompute
import PixArtStorage

// A residual block with the same results and one whole map, its output. The map between the convolutions is computed
// twice: first for its statistics, then strip by strip while the output is written.

extension ResidualBlock {
    /// Computes the sum in place. The number of channels stays the same.
    func recompute(_ x: FeatureMapWithStatistics, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        precondition(shortcut == nil)
        return try recompute(from: x.map, x.sums, into: x.map, pool, buffers)
    }

    /// Frees the source of `x` while the sum is written.
    func recompute(_ x: UpsampledStrips, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let outputs = convolutions.0.outputs
        let sum = try FeatureMap(height: x.map.height, width: x.map.width, channels: outputs, buffers)
        return try recompute(from: x.map, x.sums, upsampled: x, into: sum, pool, buffers)
    }

    /// If there are upsampled strips, `input` is their map, and `sum` a new one.
    private func recompute(
        from input: FeatureMap, _ sums: ChannelStatistics, upsampled strips: UpsampledStrips? = nil,
        into sum: FeatureMap, _ pool: ThreadPool, _ buffers: BufferPool
    ) throws(PixArtError) -> FeatureMapWithStatistics {
        let first = try WinogradConvolution(convolutions.0, pool, buffers)
        let second = try WinogradConvolution(convolutions.1, pool, buffers)
        let sweep = StripSweep(parts: WinogradConvolution.parts(height: sum.height, width: sum.width, pool))
        let hidden = try FeatureMap(
            height: sum.height, width: sum.width, channels: sum.channels, held: StripSweep.held(sweep.parts), buffers)
        let normed = norms.0.transform(of: sums, silu: true)
        // Complete after the first sweep; nothing reads what the second one adds.
        var hiddenSums = ChannelStatistics(channels: sum.channels)
        func upsample(_ rows: Range<Int>) throws(PixArtError) { try strips?.compute(rows, pool) }
        let upsampling: [StripSweep.Stage] = strips == nil ? [] : [upsample]
        func computeHidden(_ rows: Range<Int>) throws(PixArtError) {
            try first(input, transform: normed, rows: rows, into: hidden, adding: &hiddenSums, pool)
        }
        try sweep(upsampling + [computeHidden])

        let activated = norms.1.transform(of: hiddenSums, silu: true)
        var outputSums = ChannelStatistics(channels: sum.channels)
        func computeHiddenAndShortcut(_ rows: Range<Int>) throws(PixArtError) {
            try computeHidden(rows)
            guard strips != nil else { return }
            let (pixels, target) = (input.pixels(of: rows), sum.pixels(of: rows))
            if let shortcut { try shortcut(pixels, into: target, pool) } else { target.copy(from: pixels) }
        }
        func computeOutput(_ rows: Range<Int>) throws(PixArtError) {
            try second(
                hidden, transform: activated, rows: rows, into: sum, accumulate: true, adding: &outputSums, pool)
            strips?.discard(above: rows.upperBound)
        }
        try sweep(upsampling + [computeHiddenAndShortcut, computeOutput])
        return FeatureMapWithStatistics(map: sum, sums: outputSums)
    }
}
