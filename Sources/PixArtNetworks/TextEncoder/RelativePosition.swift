import Glibc

/// T5's buckets of relative positions, in both directions.
package enum RelativePosition {
    /// The bucket of a key `distance` tokens after its query (before it where negative).
    ///
    /// Half of the buckets serve each direction. In each half, the first half are single distances, and the rest widen
    /// logarithmically up to `maximum`, beyond which all share the last.
    package static func bucket(of distance: Int, buckets: Int, maximum: Int) -> Int {
        let half = buckets / 2
        let exact = half / 2
        let base = distance > 0 ? half : 0
        let magnitude = abs(distance)
        guard magnitude >= exact else { return base + magnitude }
        let octaves = logf(Float(magnitude) / Float(exact)) / Float(log(Double(maximum) / Double(exact)))
        return base + min(exact + Int(octaves * Float(half - exact)), half - 1)
    }
}
