import PixArtNetworks
import PixArtStorage

/// What each step of a run computes, and what it takes from earlier steps.
struct CachePlan: Sendable {
    /// Predictions of a step that are made together.
    struct Part: Sendable {
        let roles: [Conditioning.Role]
        /// For each block, the modules that are not computed.
        let reused: [BlockModules]

        /// Modules that the part computes, counted for each role.
        fileprivate var work: Int { roles.count * reused.reduce(0) { $0 + 3 - $1.each.count } }
    }

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
    /// For each step its parts, one after the other. Most steps have one.
    let steps: [[Part]]
    /// Whether steps compute the predictions of the prompt alone, and others follow them.
    let followsPrompt: Bool

    /// For a transformer of `blocks` blocks, and a run whose steps have these inputs and come after the first `skipped`
    /// ones of the schedule. Fails with `.option`.
    init(_ request: CacheRequest, blocks: Int, steps: [Inputs], skipped: Int) throws(PixArtError) {
        let contents = try request.contents(blocks: blocks)
        let reused: [[BlockModules]]
        var promptSteps: Set<Int> = []
        switch request {
        case .residual(_, let choice, _):
            let listed = choice.listed(steps: steps.count, skipped: skipped)
            try listed.check(steps: steps.count)
            promptSteps = listed.promptSteps
            reused = steps.indices.map { step in
                let isComputed = step == steps.count - 1 || listed.steps.contains(step)
                return (0..<blocks).map { !isComputed && contents.spans($0) ? .all : [] }
            }
        case .schedule(let table): reused = try Self.reused(table, steps: steps.count, skipped: skipped)
        }
        let nothing = [BlockModules](repeating: [], count: blocks)
        self.contents = contents
        self.steps = steps.indices.map { step in
            let roles = steps[step].roles
            // Nothing is there yet that the first of these could take.
            guard step > 0, steps[step - 1].serve(steps[step]) else { return [Part(roles: roles, reused: nothing)] }
            guard promptSteps.contains(step), reused[step] != nothing else {
                return [Part(roles: roles, reused: reused[step])]
            }
            return [Part(roles: [.prompt], reused: nothing)]
                + roles.filter { $0 != .prompt }.map { Part(roles: [$0], reused: reused[step]) }
        }
        followsPrompt = !promptSteps.isEmpty
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

    /// The share of the run's work that a part of a step is; its end if all steps are done.
    func share(of step: Int, part: Int) -> ClosedRange<Double> {
        func work(_ parts: some Sequence<Part>) -> Int { parts.reduce(0) { $0 + $1.work } }
        let total = Double(work(steps.joined()))
        let next = step < steps.count ? steps[step] : []
        let done = work(steps[..<step].joined()) + work(next.prefix(part))
        return Double(done) / total...Double(done + work(next.dropFirst(part).prefix(1))) / total
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

extension ListedSteps {
    /// Fails with `.option` if a run of so many steps lacks one.
    fileprivate func check(steps count: Int) throws(PixArtError) {
        for (key, listed) in [("steps", steps), ("prompt_steps", promptSteps)] {
            if let step = listed.filter({ $0 >= count }).min() {
                throw CacheRequest.refused(
                    "step \(step) in \"\(key)\"", expected: "steps from 0 to \(count - 1) of the run")
            }
        }
    }
}
