import PixArtFormats
import PixArtStorage

/// Timesteps of the schedulers of distilled models, LCM and TCD: a selection of those of the distillation.
struct DistilledTimesteps: Sendable {
    static let field = OptionSchema.Property(
        "original_inference_steps", .integer(1...100_000), default: .integer(50),
        "Number of timesteps of the distillation. The timesteps of a run are a subset of them.")

    private let original: Int
    private let training: Int

    init(_ settings: SchedulerOptions, training: Int) throws(PixArtError) {
        original = try settings.integer("original_inference_steps")
        self.training = training
        guard original <= training else {
            throw settings.conflict("original_inference_steps", expected: "at most num_train_timesteps \(training)")
        }
    }

    func callAsFunction(_ plan: RunSchedule) throws(PixArtError) -> [Int] {
        if let timesteps = plan.timesteps { return timesteps }
        guard plan.steps <= original else {
            throw .option(
                "option \"num_inference_steps\" is \(plan.steps); expected at most the scheduler's "
                    + "original_inference_steps \(original)")
        }
        let spacing = training / original
        let distance = Double(original) / Double(plan.steps)
        return (0..<plan.steps).map { (original - Int((Double($0) * distance).rounded(.down))) * spacing - 1 }
    }
}
