import PixArtStorage

/// DPM2 of Karras et al. that goes too far in each step and adds noise up to the next level.
///
/// This implementation matches: diffusers' `KDPM2AncestralDiscreteScheduler`.
/// Limitations: no prediction of samples, as there. Where rounding leaves nothing of the level to go down to, diffusers
/// computes what is not a number, and this goes on.
package enum KDPM2AncestralDiscreteScheduler {
    package struct Configuration: KDPM2Configuration {
        package static let className = "KDPM2AncestralDiscreteScheduler"

        let settings: KDPM2Settings

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            try settings.run(plan, isAncestral: true) { from, to in
                let step = AncestralStep(from: from, to: to)
                let down = step.down > 0 ? step.down : to * to / from
                return KDPM2Step(
                    from: from, between: to > 0 ? KDPM2Step.mean(from, down) : 0, to: down, noise: step.up)
            }
        }
    }
}
