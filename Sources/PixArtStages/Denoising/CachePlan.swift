import PixArtNetworks
import PixArtStorage

/// What each step of a run computes, and what it takes from earlier steps.
struct CachePlan: Sendable {
    /// What the predictions of a step are made of.
    struct Inputs: Sendable {
        let roles: [Conditioning.Role]
        /// Whether a ControlNet takes part.
        let isControlled: Bool

        /// Whether a step with these inputs leaves results for all predictions of the next.
        fileprivate func serve(_ next: Inputs) -> Bool {
            isControlled == next.isControlled && next.roles.allSatisfy { roles.contains($0) }
        }
    }

    let contents: StepCache.Contents
    /// For each step and block, the modules that are not computed.
    let reused: [[BlockModules]]

    /// For a transformer of `blocks` blocks, and a run whose steps have these inputs and come after the first `skipped`
    /// ones of the schedule. Fails with `.option`.
    init(_ request: CacheRequest, blocks: Int, steps: [Inputs], skipped: Int) throws(PixArtError) {
        contents = try request.contents(blocks: blocks)
        var reused =
            switch request {
            case .residual(_, let computed, _): try computed.reused(contents, blocks: blocks, steps: steps.count)
            case .schedule(let table): try Self.reused(table, steps: steps.count, skipped: skipped)
            }
        // Nothing is there yet that these steps could take.
        for step in steps.indices where step == 0 || !steps[step - 1].serve(steps[step]) {
            reused[step] = [BlockModules](repeating: [], count: blocks)
        }
        self.reused = reused
    }

    private static func reused(
        _ table: [[BlockModules]], steps: Int, skipped: Int
    ) throws(PixArtError) -> [[BlockModules]] {
        guard table.count == skipped + steps else {
            throw CacheRequest.refused(
                "\(table.count) steps in \"schedule\"", expected: "\(skipped + steps), those of the scheduler")
        }
        return table[skipped...].map { blocks in blocks.map { BlockModules.all.subtracting($0) } }
    }

    /// The part of the run's work that a step is; its end if all are done.
    func share(of step: Int) -> ClosedRange<Double> {
        let work = reused.map { blocks in blocks.reduce(0) { $0 + 3 - $1.each.count } }
        let total = Double(work.reduce(0, +))
        let done = work[..<step].reduce(0, +)
        return Double(done) / total...Double(done + (step < work.count ? work[step] : 0)) / total
    }
}

extension CacheRequest {
    /// What a transformer of `blocks` blocks keeps. Fails with `.option`.
    func contents(blocks: Int) throws(PixArtError) -> StepCache.Contents {
        switch self {
        case .residual(let range, _, _):
            guard let range else {
                guard blocks > 2 else {
                    throw .option(
                        "option \"cache\" keeps the first and the last block, expected \"blocks\" because the checkpoint "
                            + "has \(blocks)")
                }
                return .residual(of: 1...blocks - 2)
            }
            guard range.upperBound < blocks else {
                throw Self.refused(
                    "block \(range.upperBound) in \"blocks\"",
                    expected: "blocks from 0 to \(blocks - 1) of the checkpoint")
            }
            return .residual(of: range)
        case .schedule(let table):
            guard table[0].count == blocks else {
                throw Self.refused(
                    "\(table[0].count) blocks in \"schedule\"", expected: "\(blocks), those of the checkpoint")
            }
            return .outputs(
                (0..<blocks).map { block in
                    table.reduce(into: BlockModules()) { $0.formUnion(.all.subtracting($1[block])) }
                })
        }
    }
}

extension ComputedSteps {
    /// For each step and block, the modules that are not computed. Fails with `.option` if there is no such step.
    fileprivate func reused(
        _ contents: StepCache.Contents, blocks: Int, steps: Int
    ) throws(PixArtError) -> [[BlockModules]] {
        let computed: Set<Int>
        switch self {
        case .listed(let listed):
            if let step = listed.first(where: { $0 >= steps }) {
                throw CacheRequest.refused(
                    "step \(step) in \"steps\"", expected: "steps from 0 to \(steps - 1) of the run")
            }
            computed = Set(listed)
        case .every(let count): computed = Set(stride(from: 0, to: steps, by: count))
        }
        return (0..<steps).map { step in
            let isComputed = step == steps - 1 || computed.contains(step)
            return (0..<blocks).map { !isComputed && contents.spans($0) ? .all : [] }
        }
    }
}
