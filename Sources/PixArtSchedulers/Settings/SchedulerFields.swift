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
                "Number of timesteps that the model was trained with."),
            Field(
                "beta_start", .number(1e-12...0.999), default: .number(start),
                "Beta (variance of the added noise) of the first training timestep."),
            Field("beta_end", .number(1e-12...0.999), default: .number(end), "Beta of the last training timestep."),
            Field(
                "beta_schedule", .choice(schedules.map(\.rawValue)), default: .string(schedule.rawValue),
                "How betas grow from beta_start to beta_end."),
            Field(
                "trained_betas", .numbers(0...0.999_999), default: .null,
                "Beta of each training timestep, num_train_timesteps numbers. They replace beta_start, beta_end and beta_schedule."
            ),
        ]
    }

    static let zeroSNR = Field(
        "rescale_betas_zero_snr", .boolean, default: .bool(false),
        "Rescale betas so that the signal-to-noise ratio of the last training timestep is 0.")

    static func prediction(_ kinds: [Prediction] = Prediction.allCases) -> Field {
        Field(
            "prediction_type", .choice(kinds.map(\.rawValue)), default: .string(Prediction.epsilon.rawValue),
            "What the model predicts: the noise (epsilon), the image (sample), or the velocity (v_prediction).")
    }

    static func spacing(_ fallback: TimestepSpacing) -> [Field] {
        [
            Field(
                "timestep_spacing", .choice(TimestepSpacing.allCases.map(\.rawValue)),
                default: .string(fallback.rawValue),
                "Training timesteps that a run uses: evenly spaced between both ends (linspace), or multiples counted from the "
                    + "start (leading) or from the end (trailing)."),
            Field(
                "steps_offset", .integer(0...100_000), default: .integer(0),
                "Offset that is added to each timestep if timestep_spacing is \"leading\"."),
        ]
    }

    static let thresholding = [
        Field(
            "thresholding", .boolean, default: .bool(false),
            "Dynamic thresholding: clip each predicted image at a quantile of its absolute values, and divide it by that."
        ),
        Field(
            "dynamic_thresholding_ratio", .number(0...1), default: .number(0.995), "Quantile that thresholding uses."),
        Field(
            "sample_max_value", .number(1...1e6), default: .number(1),
            "Largest value that thresholding clips at. The smallest is 1."),
    ]

    static func clipping(_ fallback: Bool) -> [Field] {
        [
            Field(
                "clip_sample", .boolean, default: .bool(fallback),
                "Clip predicted images to clip_sample_range, unless thresholding is true."),
            Field(
                "clip_sample_range", .number(0...1e6), default: .number(1),
                "Bound of clip_sample: values are clipped to -clip_sample_range ... clip_sample_range."),
        ]
    }

    /// Other noise levels than those of the timesteps; at most one of them.
    static let sigmaSpacings = [
        Field(
            "use_karras_sigmas", .boolean, default: .bool(false),
            "Space noise levels as Karras et al. do, with rho 7."),
        Field(
            "use_exponential_sigmas", .boolean, default: .bool(false), "Space noise levels in equal ratios."),
        Field(
            "use_beta_sigmas", .boolean, default: .bool(false),
            "Space noise levels at quantiles of the beta distribution (0.6, 0.6)."),
    ]

    static let sigmaRange = [
        Field(
            "sigma_min", .number(1e-9...1e9), default: .null,
            "Smallest noise level of Karras, exponential and beta spacing. null means that of the timesteps."),
        Field(
            "sigma_max", .number(1e-9...1e9), default: .null,
            "Largest noise level of Karras, exponential and beta spacing. null means that of the timesteps."),
    ]

    static let finalSigma = Field(
        "final_sigmas_type", .choice(FinalSigma.allCases.map(\.rawValue)), default: .string(FinalSigma.zero.rawValue),
        "Noise level after the last step: 0 (zero), or that of the first training timestep (sigma_min).")

    static let clippedLambda = Field(
        "lambda_min_clipped", .number(-.infinity...1000), default: .number(-.infinity),
        "Skip timesteps whose logarithm of the signal-to-noise ratio is below this.")

    static func lowerOrderFinal(_ fallback: Bool = true) -> Field {
        Field(
            "lower_order_final", .boolean, default: .bool(fallback),
            "Use a lower order in the last steps, which is more stable in runs of few steps.")
    }

    static func order(_ name: String = "solver_order", _ fallback: Int64 = 2) -> Field {
        Field(
            name, .integer(1...3), default: .integer(fallback),
            "Order of the solver: the number of predictions that a step uses.")
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ fallback: Choice, _ documentation: String
    ) -> Field where Choice.RawValue == String {
        Field(name, .choice(Choice.allCases.map(\.rawValue)), default: .string(fallback.rawValue), documentation)
    }
}
