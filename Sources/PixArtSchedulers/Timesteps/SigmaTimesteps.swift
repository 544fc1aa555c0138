import PixArtStorage

/// Timesteps and noise levels of the schedulers whose latents are the image plus noise: Euler, Heun, DPM2, LMS, SDE.
struct SigmaTimesteps: Sendable {
    let trained: TrainedSigmas
    private let spacing: TimestepSpacing
    private let offset: Int
    let sigmaSpacing: SigmaSpacing
    /// Whether the timesteps of Karras' noise levels are rounded.
    private let roundsKarras: Bool
    /// Whether timesteps stay in double until the noise levels are computed.
    private let inDouble: Bool
    private let minimum: Double?
    private let maximum: Double?

    /// From `timestep_spacing` and `steps_offset`, and, if the scheduler has them, the fields of
    /// `SchedulerFields.sigmaSpacings` and `SchedulerFields.sigmaRange`.
    init(
        _ settings: SchedulerOptions, _ noise: NoiseSchedule, hasSigmaSpacings: Bool = true, hasRange: Bool = false,
        roundsKarras: Bool = false, inDouble: Bool = false
    ) throws(PixArtError) {
        trained = TrainedSigmas(noise)
        spacing = try settings.choice("timestep_spacing")
        offset = try settings.integer("steps_offset")
        sigmaSpacing = hasSigmaSpacings ? try SigmaSpacing(settings) : .timesteps
        self.roundsKarras = roundsKarras
        self.inDouble = inDouble
        minimum = try hasRange ? settings.optionalNumber("sigma_min") : nil
        maximum = try hasRange ? settings.optionalNumber("sigma_max") : nil
    }

    /// Timesteps of a run, and the noise level of each.
    func callAsFunction(_ plan: RunSchedule) throws(PixArtError) -> (timesteps: [Float], sigmas: [Float]) {
        let (timesteps, sigmas) = try levels(plan)
        return (timesteps.map { Float($0) }, sigmas.map { Float($0) })
    }

    /// The same in double.
    func levels(_ plan: RunSchedule) throws(PixArtError) -> (timesteps: [Double], sigmas: [Double]) {
        try sigmaSpacing.requireNone(plan.timesteps)
        let timesteps = timesteps(plan)
        let sigmas = timesteps.map { trained.sigma(at: $0) }
        guard sigmaSpacing != .timesteps else { return (timesteps, sigmas) }
        return spaced(from: sigmas[0], to: sigmas[sigmas.count - 1], plan.steps)
    }

    /// The noise levels of timesteps.
    func timesteps(_ plan: RunSchedule) -> [Double] {
        if let timesteps = plan.timesteps { return timesteps.map { Double($0) } }
        let timesteps = spacing.fractionalTimesteps(
            steps: plan.steps, training: trained.sigmas.count, offset: offset)
        return inDouble ? timesteps : timesteps.map { Double(Float($0)) }
    }

    /// Noise levels between two, by the spacing.
    func spaced(from: Double, to: Double, _ steps: Int) -> (timesteps: [Double], sigmas: [Double]) {
        let sigmas = sigmaSpacing.sigmas(from: maximum ?? from, to: minimum ?? to, steps)
        let timesteps = sigmas.map { sigma in
            let timestep = trained.timestep(of: sigma)
            return roundsKarras && sigmaSpacing == .karras ? timestep.rounded(.toNearestOrEven) : timestep
        }
        return (timesteps, sigmas)
    }

    /// The standard deviation of the initial noise.
    func initialSigma(_ sigmas: [Float]) -> Float {
        let largest = sigmas.max() ?? 1
        return spacing == .leading ? (largest * largest + 1).squareRoot() : largest
    }
}
