import PixArtCompute

// A step of PixArt-XL with many workers, from measured parts: seconds of its kinds of kernels on one processor, the
// shares that the tasks leave idle, and what a region costs.

/// A step with guidance in int8.
struct StepModel {
    let tokens: Int
    /// Seconds on one processor.
    let gemm, attention, rows: Double

    private static let blocks = 28, heads = 16, items = 2
    /// Parallel regions of a block.
    private static let regions = 16
    private static let rowBlock = 96, panelsHeld = 3

    /// The share of panels of each GEMM of a block in the work of all, with its rows.
    private var products: [(panels: Int, rows: Int)] {
        let both = Self.items * tokens
        return [(108, both), (36, both), (36, tokens), (36, tokens), (144, both), (144, both)]
    }

    /// What workers wait for others in GEMMs: their time over the work.
    func wasteOfGEMMs(_ workers: Int) -> Double {
        let work = products.map { Double($0.panels * $0.rows) }
        let waste = zip(products, work).reduce(0) { sum, product in
            let split = GEMMSplit(
                panels: [product.0.panels], rowBlocks: (product.0.rows + Self.rowBlock - 1) / Self.rowBlock,
                most: Self.panelsHeld, workers: workers)
            return sum + product.1 * split.waste
        }
        return waste / work.reduce(0, +)
    }

    /// The same in attention.
    func wasteOfAttention(_ workers: Int) -> Double {
        let all = Self.items * Self.heads
        let (count, length) = Attention.chunks(queries: tokens, heads: all, workers: workers)
        let rounds = (all * count + workers - 1) / workers
        return Double(rounds * workers * length) / Double(all * tokens)
    }

    /// Seconds of a step, if a region costs so many microseconds.
    func seconds(_ workers: Int, region: Double) -> Double {
        let shared = gemm * wasteOfGEMMs(workers) + attention * wasteOfAttention(workers) + rows
        return shared / Double(workers) + Double(Self.blocks * Self.regions) * region * 1e-6
    }

    /// Prints a row for each number of workers.
    func print(_ region: (Int) -> Double) {
        Swift.print("| workers | idle in GEMMs | idle in attention | µs of a region, assumed | step, s | times as fast |")
        Swift.print("|--:|--:|--:|--:|--:|--:|")
        let alone = seconds(1, region: region(1))
        for workers in [1, 2, 4, 8, 16, 32, 64, 128] {
            let idle = [wasteOfGEMMs(workers), wasteOfAttention(workers)].map { "\(Int(100 * (1 - 1 / $0)))%" }
            let time = seconds(workers, region: region(workers))
            let cells = [
                "\(workers)", idle[0], idle[1], "\(Int(region(workers)))", "\((time * 1000).rounded() / 1000)",
                "\((alone / time * 10).rounded() / 10)",
            ]
            Swift.print("| \(cells.joined(separator: " | ")) |")
        }
    }
}
