import PixArtCompute
import PixArtStorage

/// A map and what the next normalisation needs to know of it.
struct MeasuredMap {
    let map: FeatureMap
    var sums: ChannelSums
}

extension Convolution {
    /// The convolution of a map that is doubled in each direction. Consumes the map: it is let go of from the top while
    /// the larger one is written.
    func enlarge(_ map: FeatureMap, _ pool: ThreadPool, _ store: BufferStore) throws(PixArtError) -> MeasuredMap {
        let larger = try FeatureMap(height: 2 * map.height, width: 2 * map.width, channels: outputs, store)
        let sums = try PreparedConvolution(self, enlarge: true, pool, store).consume(map, into: larger, pool)
        return MeasuredMap(map: larger, sums: sums)
    }
}

extension HalvingConvolution {
    /// The convolution of a map, of half its size in each direction.
    func reduce(_ map: FeatureMap, _ pool: ThreadPool, _ store: BufferStore) throws(PixArtError) -> MeasuredMap {
        let smaller = try FeatureMap(height: map.height / 2, width: map.width / 2, channels: outputs, store)
        return MeasuredMap(map: smaller, sums: try self(map, into: smaller, pool, store))
    }
}
