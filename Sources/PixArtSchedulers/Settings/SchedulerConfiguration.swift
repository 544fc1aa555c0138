import PixArtFormats
import PixArtStorage

/// What a scheduler is set to: makes the scheduler of each run.
package protocol SchedulerConfiguration: Sendable {
    /// diffusers' name of the class.
    static var className: String { get }
    /// The fields that it has, those of diffusers' class that make a difference here.
    static var fields: [OptionSchema.Property] { get }
    /// For fields whose values are names: names of other classes, and the own name that diffusers replaces each with.
    static var sisterNames: [String: [String: String]] { get }
    /// Fields of diffusers' class that can ask for what is not implemented here.
    static var unsupportedFields: [UnsupportedSchedulerField] { get }
    /// Whether a run may name its timesteps, and its noise levels.
    static var takesTimesteps: Bool { get }
    static var takesSigmas: Bool { get }
    /// Fails naming the key, where fields do not go together.
    init(_ settings: SchedulerOptions) throws(PixArtError)
    /// Timesteps that the model was trained with.
    var trainingTimesteps: Int { get }
    /// Fails with `.option` where the plan asks for what the scheduler cannot do. Its timesteps are no more than
    /// `trainingTimesteps`, lie below that, and fall.
    func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler
}

extension SchedulerConfiguration {
    package static var sisterNames: [String: [String: String]] { [:] }
    package static var unsupportedFields: [UnsupportedSchedulerField] { [] }
    package static var takesTimesteps: Bool { false }
    package static var takesSigmas: Bool { false }

    /// The scheduler of a run. Fails with `.option` naming the key.
    package func start(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
        if let timesteps = plan.timesteps {
            guard Self.takesTimesteps else {
                throw .option("option \"timesteps\" is set, expected null: \(Self.className) takes none")
            }
            guard plan.sigmas == nil else {
                throw .option("option \"sigmas\" is set together with \"timesteps\", expected one of the two")
            }
            for (index, timestep) in timesteps.enumerated() {
                guard timestep < trainingTimesteps, index == 0 || timestep < timesteps[index - 1] else {
                    throw .option(
                        "option \"timesteps\" has \(timestep) at \(index), expected falling numbers below "
                            + "\(trainingTimesteps)")
                }
            }
        }
        if let sigmas = plan.sigmas {
            guard Self.takesSigmas else {
                throw .option("option \"sigmas\" is set, expected null: \(Self.className) takes none")
            }
            guard sigmas.count > 1, zip(sigmas, sigmas.dropFirst()).allSatisfy({ $0 > $1 }) else {
                throw .option(
                    "option \"sigmas\" has \(sigmas), expected two or more falling numbers, the last one 0 or near")
            }
        }
        guard plan.steps <= trainingTimesteps else {
            throw .option(
                "option \"num_inference_steps\" is \(plan.steps), expected at most the checkpoint's "
                    + "\(trainingTimesteps) training timesteps")
        }
        return try scheduler(plan)
    }
}
