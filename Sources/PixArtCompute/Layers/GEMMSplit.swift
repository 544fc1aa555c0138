/// How GEMMs with the same activations are split into tasks: by panels of outputs and, if these are too few for the
/// workers, by rows too.
package struct GEMMSplit: Equatable {
    /// Panels of a task, of one GEMM.
    package let group: Int
    /// Row blocks of a task.
    package let blocks: Int
    /// Tasks that share their panels, each with other rows.
    package let slices: Int
    /// Whether all panels are packed first, in a region of their own. Otherwise each task packs its panels, which no
    /// other task uses.
    package let packsFirst: Bool
    /// The time of the workers over that of the tasks; 1 if all workers end at the same time.
    package let waste: Double

    /// Splits GEMMs of so many `panels` and row blocks. A task takes at most `most` panels.
    package init(panels: [Int], rowBlocks: Int, most: Int, workers: Int) {
        let whole = Self.best(
            (1...most).reversed().map { Self(panels, group: $0, slices: 1, of: rowBlocks, workers) })
        guard whole.waste > Self.tolerated, rowBlocks > 1 else {
            self = whole
            return
        }
        let slices = 2...min(rowBlocks, max(2, 4 * workers))
        self = Self.best(
            [whole]
                + slices.flatMap { slices in
                    (1...most).reversed().map { Self(panels, group: $0, slices: slices, of: rowBlocks, workers) }
                })
    }

    /// Waste that costs less than another region.
    private static let tolerated = 1.1

    private init(_ panels: [Int], group: Int, slices: Int, of rowBlocks: Int, _ workers: Int) {
        self.group = group
        blocks = (rowBlocks + slices - 1) / slices
        self.slices = (rowBlocks + blocks - 1) / blocks
        packsFirst = self.slices > 1
        let tasks = panels.reduce(0) { $0 + ($1 + group - 1) / group } * self.slices
        let rounds = (tasks + workers - 1) / workers
        waste = Double(rounds * workers * group * blocks) / Double(panels.reduce(0, +) * rowBlocks)
    }

    /// The first of those that waste least, within a hundredth.
    private static func best(_ splits: [GEMMSplit]) -> GEMMSplit {
        splits.dropFirst().reduce(splits[0]) { $1.waste < $0.waste - 0.01 ? $1 : $0 }
    }
}
