import PixArtCompute
import PixArtStorage

/// A map and what the next normalisation needs to know of it.
struct FeatureMapWithStatistics {
    let map: FeatureMap
    var sums: ChannelStatistics
}

extension Convolution {
    /// The convolution of a map that is doubled in each direction. Consumes the map: it is freed from the top while
    /// the larger one is written.
    func upsample(_ map: FeatureMap, _ pool: ThreadPool, _ store: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let larger = try FeatureMap(height: 2 * map.height, width: 2 * map.width, channels: outputs, store)
        let sums = try WinogradConvolution(self, upsample: true, pool, store).consume(map, into: larger, pool)
        return FeatureMapWithStatistics(map: larger, sums: sums)
    }
}

extension StridedConvolution {
    /// The convolution of a map, of half its size in each direction.
    func downsample(_ map: FeatureMap, _ pool: ThreadPool, _ store: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        let smaller = try FeatureMap(height: map.height / 2, width: map.width / 2, channels: outputs, store)
        return FeatureMapWithStatistics(map: smaller, sums: try self(map, into: smaller, pool, store))
    }
}
