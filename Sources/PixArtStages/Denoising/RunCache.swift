import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// The results that a run keeps for later steps, and what each step takes of them.
struct RunCache: Sendable {
    private let plan: CachePlan
    private let results: StepCache
    /// The roles of the run's largest batch, in the order of their items.
    private let roles: [Conditioning.Role]
    /// Items of a role.
    private let images: Int

    /// For the steps of a run at these timesteps, after the first `skipped` ones of the schedule. Fails with `.option` and
    /// `.memory`.
    init(
        _ request: CacheRequest, _ run: RunPlan, _ transformer: PixArtTransformer, timesteps: [Float], skipped: Int,
        _ workspace: PixArtTransformer.Workspace, _ pool: ThreadPool
    ) throws(PixArtError) {
        let guidance = run.guidance
        let inputs = timesteps.enumerated().map { step, timestep in
            CachePlan.Inputs(
                roles: guidance.roles.filter {
                    guidance.uses($0, step: step, of: timesteps.count, timestep: timestep)
                },
                isControlled: transformer.controlNet != nil
                    && run.control.scale(step: step, of: timesteps.count) != nil)
        }
        plan = try CachePlan(request, blocks: transformer.configuration.layers, steps: inputs, skipped: skipped)
        results = try transformer.cache(plan.contents, workspace, pool)
        roles = guidance.roles
        images = run.size.images
    }

    /// The roles of the parts of a step, in the order that they are made in.
    func parts(of step: Int) -> [[Conditioning.Role]] { plan.steps[step].map(\.roles) }

    /// What a part of a step takes. Its roles are consecutive ones of the run's, because guidance leaves out the first or
    /// the last.
    func part(_ part: Int, of step: Int) -> StepCache.Step {
        let part = plan.steps[step][part]
        func items(_ used: [Conditioning.Role]) -> Range<Int> {
            let first = used.first.flatMap { roles.firstIndex(of: $0) } ?? 0
            return first * images..<(first + used.count) * images
        }
        return results.step(
            reusing: part.reused, items: items(part.roles), leader: plan.followsPrompt ? items([.prompt]) : nil)
    }

    /// Reports that so many of the steps, and parts of the next, are done, weighed by what they compute. Fails with
    /// `.cancelled`.
    func report(done: Int, parts: Int) throws(PixArtError) {
        try CallProgress.report(step: done, of: plan.steps.count, span: plan.share(of: done, part: parts))
    }
}
