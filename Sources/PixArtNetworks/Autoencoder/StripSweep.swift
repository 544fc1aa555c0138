import PixArtStorage

/// Convolutions one after another, part by part from the top. Each reads one row more than it writes on either side, so
/// it follows the one before it at a distance of one part.
struct StripSweep {
    /// Computes the rows of one part.
    typealias Stage = (_ rows: Range<Int>) throws(PixArtError) -> Void

    let parts: [Range<Int>]

    /// Rows that a map between two stages holds: those of the part that is read and of its neighbors.
    static func held(_ parts: [Range<Int>]) -> Int { 3 * parts[0].count }

    func callAsFunction(_ stages: [Stage]) throws(PixArtError) {
        for step in 0..<parts.count + stages.count - 1 {
            for (delay, stage) in stages.enumerated() where parts.indices.contains(step - delay) {
                try stage(parts[step - delay])
            }
        }
    }
}
