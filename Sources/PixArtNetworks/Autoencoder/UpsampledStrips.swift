import PixArtCompute
import PixArtStorage

/// A map, upsampled by 2 and convolved, of which only strips are held. They are computed again for every pass over
/// the result.
struct UpsampledStrips {
    /// The result. Holds its latest rows.
    let map: FeatureMap
    /// Of the whole result.
    let sums: ChannelStatistics
    private let source: FeatureMap
    private let convolution: WinogradConvolution

    /// Computes the whole result once, for its statistics.
    init(
        of source: FeatureMap, _ convolution: Convolution, _ pool: ThreadPool, _ buffers: BufferPool
    ) throws(PixArtError) {
        self.source = source
        self.convolution = try WinogradConvolution(convolution, upsample: true, pool, buffers)
        let parts = WinogradConvolution.parts(height: 2 * source.height, width: 2 * source.width, pool)
        map = try FeatureMap(
            height: 2 * source.height, width: 2 * source.width, channels: convolution.outputs,
            held: StripSweep.held(parts), buffers)
        var sums = ChannelStatistics(channels: convolution.outputs)
        for rows in parts { try self.convolution(source, rows: rows, into: map, adding: &sums, pool) }
        self.sums = sums
    }

    /// Computes some rows again.
    func compute(_ rows: Range<Int>, _ pool: ThreadPool) throws(PixArtError) {
        var known = ChannelStatistics(channels: map.channels)
        try convolution(source, rows: rows, into: map, adding: &known, pool)
    }

    /// Frees the memory of the source that only rows of the result above `row` need.
    func discard(above row: Int) { source.discard(above: row / 2 - 1) }
}
