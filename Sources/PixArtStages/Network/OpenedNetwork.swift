import PixArtCompute
import PixArtStorage

/// A network with its weights and its workers: what a handle of a stage holds.
package struct OpenedNetwork<Description: NetworkDescription>: Sendable {
    let description: Description
    let network: Description.Network
    let pool: ThreadPool
    /// The files and precisions that the handle was opened with.
    let report: HandleReport
    private let weights: WeightFootprint
    private let compute: ComputePrecision

    /// Reads and converts the weights of a part. `companions` are further files that the handle uses. Fails with
    /// `.file`, `.format`, `.model`, `.option` and `.memory`.
    init(
        _ description: Description, _ part: Part, of checkpoint: Checkpoint, _ options: NetworkOptions,
        streamed: Bool = false, companions: [String] = []
    ) throws(PixArtError) {
        self.description = description
        pool = try ThreadPool(options.workers)
        let opened = try PartWeights(part, of: checkpoint, options, pool)
        compute = opened.precision.compute
        network = try description.network(opened.reader, compute: compute, streamed: streamed)
        report = try opened.report(companions: companions, pool.kernels, description.architecture)
        weights = description.footprint(opened.reader, streamed: streamed)
    }

    /// The memory of the handle in a call of the size in `options`. Fails with `.option`.
    func memory(_ options: Description.Memory) throws(PixArtError) -> MemoryReport {
        let activations = try description.activationBytes(
            options, compute: compute, ownSide: Estimate.ownSide, pool)
        return MemoryReport(
            weights: weights,
            activations: activations + weights.updateBytes(rows: try description.gemmRows(options), pool),
            held: pool.scratchBytes)
    }
}
