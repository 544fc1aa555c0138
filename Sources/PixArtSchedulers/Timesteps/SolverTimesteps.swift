import PixArtStorage

/// Timesteps and noise levels of the solvers over the log of the signal-to-noise ratio: DPM-Solver, DEIS, UniPC, SA.
struct SolverTimesteps: Sendable {
    private let trained: TrainedSigmas
    /// Training timesteps, and how many of them are in use.
    private let training: Int
    private let last: Int
    private let spacing: TimestepSpacing
    private let offset: Int
    private let sigmaSpacing: SigmaSpacing
    /// Spacings whose timesteps are rounded; others are truncated.
    private let rounded: Set<SigmaSpacing>
    /// Whether runs to the smallest noise level end at the level of their last timestep, if they are not spaced by
    /// timesteps.
    private let endsAtOwn: Bool
    /// Whether the solver can step between two equal timesteps.
    private let repeats: Bool
    /// Whether the scheduler has a `timestep_spacing`.
    private let spaces: Bool
    private let range: (minimum: Double, maximum: Double)

    /// From `timestep_spacing`, `steps_offset` and `SchedulerFields.sigmaSpacings`, and, if the scheduler has
    /// them, `use_lu_lambdas`, `lambda_min_clipped`, `sigma_min` and `sigma_max`.
    init(
        _ settings: SchedulerOptions, _ noise: NoiseSchedule, rounded: Set<SigmaSpacing> = [.karras],
        hasLu: Bool = false, spaces: Bool = true, clips: Bool = true, endsAtOwn: Bool = false,
        hasRange: Bool = false, repeats: Bool = false
    ) throws(PixArtError) {
        trained = TrainedSigmas(noise)
        training = noise.count
        last = try clips ? noise.timesteps(above: settings.number("lambda_min_clipped")) : noise.count
        guard last > 1 else {
            throw settings.conflict("lambda_min_clipped", expected: "less, for timesteps to be left")
        }
        spacing = try spaces ? settings.choice("timestep_spacing") : .linspace
        offset = try spaces ? settings.integer("steps_offset") : 0
        sigmaSpacing = try SigmaSpacing(settings, hasLu: hasLu)
        self.rounded = rounded
        self.endsAtOwn = endsAtOwn
        self.repeats = repeats
        self.spaces = spaces
        range = (
            hasRange ? try settings.optionalNumber("sigma_min") ?? Double(trained.smallest) : Double(trained.smallest),
            hasRange ? try settings.optionalNumber("sigma_max") ?? Double(trained.largest) : Double(trained.largest)
        )
    }

    /// Timesteps of a run, and its noise levels: one for each, and one for the end of the last step.
    func callAsFunction(
        _ plan: RunSchedule, final: FinalSigma = .smallest
    ) throws(PixArtError) -> (timesteps: [Int], sigmas: [Float]) {
        let (timesteps, sigmas) = try levels(plan)
        guard final == .smallest else { return (timesteps, sigmas + [0]) }
        let isOwn = endsAtOwn && sigmaSpacing != .timesteps
        return (timesteps, sigmas + [isOwn ? sigmas[sigmas.count - 1] : trained.smallest])
    }

    /// Timesteps of a run, and the noise level of each.
    private func levels(_ plan: RunSchedule) throws(PixArtError) -> (timesteps: [Int], sigmas: [Float]) {
        try sigmaSpacing.requireNone(plan.timesteps)
        guard sigmaSpacing == .timesteps else {
            let sigmas = sigmaSpacing.sigmas(from: range.maximum, to: range.minimum, plan.steps)
            let timesteps = sigmas.map { sigma in
                let timestep = trained.timestep(of: sigma)
                return Int(rounded.contains(sigmaSpacing) ? timestep.rounded(.toNearestOrEven) : timestep)
            }
            return (timesteps, sigmas.map { Float($0) })
        }
        let timesteps = try timesteps(plan)
        return (timesteps, timesteps.map { Float(trained.sigma(at: Double($0))) })
    }

    /// The run's timesteps, or those of `timestep_spacing`. Fails if some of these are equal and the solver
    /// divides by their distance.
    private func timesteps(_ plan: RunSchedule) throws(PixArtError) -> [Int] {
        if let timesteps = plan.timesteps { return timesteps }
        let most =
            switch spacing {
            case .linspace: repeats ? last : last - 1
            case .leading: last - 1
            case .trailing: training
            }
        guard plan.steps <= most else { throw Self.tooManySteps(plan, most: most, spaces: spaces) }
        return spacing.solverTimesteps(steps: plan.steps, training: training, last: last, offset: offset)
    }

    static func tooManySteps(_ plan: RunSchedule, most: Int, spaces: Bool) -> PixArtError {
        .option(
            "option \"num_inference_steps\" is \(plan.steps); expected at most \(most): some timesteps would be equal"
                + (spaces ? ", unless the scheduler's \"timestep_spacing\" is \"trailing\"" : ""))
    }
}
