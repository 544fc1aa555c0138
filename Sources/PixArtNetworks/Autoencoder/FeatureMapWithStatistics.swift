import PixArtCompute
import PixArtStorage

/// A map and the channel statistics that the next group norm needs.
struct FeatureMapWithStatistics {
    let map: FeatureMap
    var sums: ChannelStatistics
}

extension Convolution {
    /// The convolution of the map, upsampled by 2. Consumes the map: it is freed from the top while the larger one
    /// is written.
    func upsample(_ map: FeatureMap, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let larger = try FeatureMap(height: 2 * map.height, width: 2 * map.width, channels: outputs, buffers)
        let sums = try WinogradConvolution(self, upsample: true, pool, buffers).consume(map, into: larger, pool)
        return FeatureMapWithStatistics(map: larger, sums: sums)
    }
}

extension StridedConvolution {
    /// The convolution of the map with half its height and width.
    func downsample(_ map: FeatureMap, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let smaller = try FeatureMap(height: map.height / 2, width: map.width / 2, channels: outputs, buffers)
        return FeatureMapWithStatistics(map: smaller, sums: try self(map, into: smaller, pool, buffers))
    }
}
