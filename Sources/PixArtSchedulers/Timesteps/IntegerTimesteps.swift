import PixArtStorage

/// Timesteps of the schedulers between training timesteps: DDIM, DDPM and PNDM.
struct IntegerTimesteps: Sendable {
    private let training: Int
    private let spacing: TimestepSpacing
    private let offset: Int

    /// From `timestep_spacing` and `steps_offset`.
    init(_ settings: SchedulerOptions, training: Int) throws(PixArtError) {
        self.training = training
        spacing = try settings.choice("timestep_spacing")
        offset = try settings.integer("steps_offset")
    }

    /// Timesteps of a run. Fails if the offset exceeds the last one.
    func callAsFunction(_ plan: RunSchedule) throws(PixArtError) -> [Int] {
        if let timesteps = plan.timesteps { return timesteps }
        let timesteps = spacing.timesteps(steps: plan.steps, training: training, offset: offset)
        guard timesteps.allSatisfy({ $0 < training }) else {
            throw .option(
                "option \"scheduler\": \"steps_offset\" is \(offset), which leads to timestep \(timesteps[0]); "
                    + "expected less than \(training) with \(plan.steps) steps")
        }
        return timesteps
    }
}
