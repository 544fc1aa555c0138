import PixArtFormats

/// Fields that several schedulers have, with the names and meanings of diffusers.
enum SchedulerFields {
    typealias Field = OptionSchema.Property

    /// Betas of the training. `schedules` can add schedules to the usual three.
    static func noise(
        start: Double = 0.0001, end: Double = 0.02, _ schedule: NoiseSchedule.Betas = .linear,
        further: [NoiseSchedule.Betas] = []
    ) -> [Field] {
        let schedules = [.linear, .scaledLinear, .cosine] + further
        return [
            Field(
                "num_train_timesteps", .integer(2...100_000), default: .integer(1000),
                "Timesteps that the model was trained with."),
            Field(
                "beta_start", .number(1e-12...0.999), default: .number(start), "Noise of the first training timestep."),
            Field("beta_end", .number(1e-12...0.999), default: .number(end), "Noise of the last training timestep."),
            Field(
                "beta_schedule", .choice(schedules.map(\.rawValue)), default: .string(schedule.rawValue),
                "How noise grows between the two."),
            Field(
                "trained_betas", .numbers(0...0.999_999), default: .null,
                "Noise of each training timestep, instead of what the four fields above say."),
        ]
    }

    static let zeroSNR = Field(
        "rescale_betas_zero_snr", .boolean, default: .bool(false),
        "Scale noise such that nothing of the picture is left at the last training timestep.")

    static func prediction(_ kinds: [Prediction] = Prediction.allCases) -> Field {
        Field(
            "prediction_type", .choice(kinds.map(\.rawValue)), default: .string(Prediction.epsilon.rawValue),
            "What the model predicts: the noise, the picture, or their difference in velocity.")
    }

    static func spacing(_ fallback: TimestepSpacing) -> [Field] {
        [
            Field(
                "timestep_spacing", .choice(TimestepSpacing.allCases.map(\.rawValue)),
                default: .string(fallback.rawValue),
                "Which training timesteps a run uses: evenly from end to end, or at multiples counted from either end."),
            Field(
                "steps_offset", .integer(0...100_000), default: .integer(0),
                "Added to each timestep of the spacing \"leading\"."),
        ]
    }

    static let thresholding = [
        Field(
            "thresholding", .boolean, default: .bool(false),
            "Clip each predicted picture at a quantile of its values, and scale it to that."),
        Field(
            "dynamic_thresholding_ratio", .number(0...1), default: .number(0.995), "The quantile of thresholding."),
        Field(
            "sample_max_value", .number(1...1e6), default: .number(1), "The largest value that thresholding clips at."),
    ]

    static func clipping(_ fallback: Bool) -> [Field] {
        [
            Field(
                "clip_sample", .boolean, default: .bool(fallback),
                "Clip predicted pictures at clip_sample_range, unless there is thresholding."),
            Field("clip_sample_range", .number(0...1e6), default: .number(1), "Where clip_sample clips."),
        ]
    }

    /// Other noise levels than those of the timesteps; at most one of them.
    static let sigmaSpacings = [
        Field(
            "use_karras_sigmas", .boolean, default: .bool(false),
            "Noise levels as Karras et al. space them, with rho 7."),
        Field(
            "use_exponential_sigmas", .boolean, default: .bool(false), "Noise levels in equal ratios."),
        Field(
            "use_beta_sigmas", .boolean, default: .bool(false),
            "Noise levels at quantiles of the beta distribution (0.6, 0.6)."),
    ]

    static let sigmaRange = [
        Field(
            "sigma_min", .number(1e-9...1e9), default: .null,
            "Smallest noise level of Karras, exponential and beta spacing; null for that of the timesteps."),
        Field(
            "sigma_max", .number(1e-9...1e9), default: .null, "Largest noise level of these spacings; as sigma_min."),
    ]

    static let finalSigma = Field(
        "final_sigmas_type", .choice(FinalSigma.allCases.map(\.rawValue)), default: .string(FinalSigma.zero.rawValue),
        "Noise level that the last step ends at: none, or that of the first training timestep.")

    static let clippedLambda = Field(
        "lambda_min_clipped", .number(-.infinity...1000), default: .number(-.infinity),
        "Leave out timesteps whose log of signal over noise is below this.")

    static func lowerOrderFinal(_ fallback: Bool = true) -> Field {
        Field(
            "lower_order_final", .boolean, default: .bool(fallback),
            "End with steps of lower order, which is steadier in runs of few steps.")
    }

    static func order(_ name: String = "solver_order", _ fallback: Int64 = 2) -> Field {
        Field(name, .integer(1...3), default: .integer(fallback), "Order of the solver: predictions that a step uses.")
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ fallback: Choice, _ documentation: String
    ) -> Field where Choice.RawValue == String {
        Field(name, .choice(Choice.allCases.map(\.rawValue)), default: .string(fallback.rawValue), documentation)
    }
}
