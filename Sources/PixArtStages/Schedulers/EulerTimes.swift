import PixArtCompute

/// Timesteps and noise levels of the schedulers whose latents are the picture plus noise: Euler, Heun, KDPM2, LMS.
struct EulerTimes: Sendable {
    let trained: TrainedSigmas
    private let spacing: TimestepSpacing
    private let offset: Int
    let sigmaSpacing: SigmaSpacing
    /// Whether timesteps of Karras' noise levels are rounded.
    private let roundsKarras: Bool
    private let minimum: Double?
    private let maximum: Double?

    /// From `timestep_spacing` and `steps_offset`, and where the scheduler has them from those of
    /// `SchedulerField.sigmaSpacings` and `SchedulerField.sigmaRange`.
    init(
        _ settings: SchedulerSettings, _ noise: NoiseSchedule, hasSigmaSpacings: Bool = true, hasRange: Bool = false,
        roundsKarras: Bool = false
    ) throws(PixArtError) {
        trained = TrainedSigmas(noise)
        spacing = settings.choice("timestep_spacing")
        offset = settings.integer("steps_offset")
        sigmaSpacing = hasSigmaSpacings ? try SigmaSpacing(settings) : .timesteps
        self.roundsKarras = roundsKarras
        minimum = hasRange ? settings.optionalNumber("sigma_min") : nil
        maximum = hasRange ? settings.optionalNumber("sigma_max") : nil
    }

    /// Timesteps of a run, and the noise level of each.
    func callAsFunction(_ plan: SchedulerPlan) throws(PixArtError) -> (timesteps: [Float], sigmas: [Float]) {
        try sigmaSpacing.requireNone(plan.timesteps)
        let timesteps = timesteps(plan)
        let sigmas = timesteps.map { trained.sigma(at: Double($0)) }
        guard sigmaSpacing != .timesteps else { return (timesteps, sigmas.map { Float($0) }) }
        return spaced(from: sigmas[0], to: sigmas[sigmas.count - 1], plan.steps)
    }

    /// Those of timesteps alone.
    func timesteps(_ plan: SchedulerPlan) -> [Float] {
        plan.timesteps?.map { Float($0) }
            ?? spacing.fractionalTimesteps(steps: plan.steps, training: trained.sigmas.count, offset: offset)
            .map { Float($0) }
    }

    /// Noise levels between two as the spacing has them.
    func spaced(from: Double, to: Double, _ steps: Int) -> (timesteps: [Float], sigmas: [Float]) {
        let sigmas = sigmaSpacing.sigmas(from: maximum ?? from, to: minimum ?? to, steps)
        let timesteps = sigmas.map { sigma in
            let timestep = trained.timestep(of: sigma)
            return Float(roundsKarras && sigmaSpacing == .karras ? timestep.rounded(.toNearestOrEven) : timestep)
        }
        return (timesteps, sigmas.map { Float($0) })
    }

    /// Of the noise that a run starts from.
    func initialSigma(_ sigmas: [Float]) -> Float {
        let largest = sigmas.max() ?? 1
        return spacing == .leading ? (largest * largest + 1).squareRoot() : largest
    }
}

/// Latents as a model wants them, of the same spread at every noise level.
func scaled(_ sample: [Float], _ sigma: Float) -> [Float] {
    let spread = (sigma * sigma + 1).squareRoot()
    return sample.map { $0 / spread }
}

/// Follows the direction from the predicted picture to the latents, to a noise level `distance` away.
func followed(_ sample: [Float], _ original: [Float], _ sigma: Float, distance: Float) -> [Float] {
    zip(sample, original).map { $0 + ($0 - $1) / sigma * distance }
}
