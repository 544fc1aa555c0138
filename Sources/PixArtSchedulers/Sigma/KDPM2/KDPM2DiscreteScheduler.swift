import PixArtStorage

/// DPM2 of Karras et al.: each step but the last looks again half way.
///
/// This implementation matches: diffusers' `KDPM2DiscreteScheduler`.
/// Limitations: no prediction of samples, as there.
package enum KDPM2DiscreteScheduler {
    package struct Configuration: KDPM2Configuration {
        package static let className = "KDPM2DiscreteScheduler"

        let settings: KDPM2Settings

        package func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
            try settings.run(plan, isAncestral: false) { from, to in
                KDPM2Step(from: from, between: to > 0 ? KDPM2Step.mean(to, from) : 0, to: to, noise: 0)
            }
        }
    }
}
