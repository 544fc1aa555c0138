import PixArtFormats
import PixArtStorage

/// The settings of a scheduler. Creates the scheduler of each run.
package protocol SchedulerConfiguration: Sendable {
    /// The name of diffusers' class.
    static var className: String { get }
    /// The fields of diffusers' class that have an effect here.
    static var fields: [OptionSchema.Property] { get }
    /// For fields whose values are names: names of other classes, and the name that diffusers replaces each with.
    static var sisterNames: [String: [String: String]] { get }
    /// Fields of diffusers' class that can request something unsupported.
    static var unsupportedFields: [UnsupportedSchedulerField] { get }
    /// Whether a run may set its timesteps, and its noise levels.
    static var takesTimesteps: Bool { get }
    static var takesSigmas: Bool { get }
    /// Fails naming the key, if fields contradict each other.
    init(_ settings: SchedulerOptions) throws(PixArtError)
    /// Number of timesteps in training.
    var trainingTimesteps: Int { get }
    /// Fails with `.option` if the scheduler does not support the run. The run's timesteps are at most
    /// `trainingTimesteps`, less than that, and falling.
    func scheduler(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler
}

extension SchedulerConfiguration {
    package static var sisterNames: [String: [String: String]] { [:] }
    package static var unsupportedFields: [UnsupportedSchedulerField] { [] }
    package static var takesTimesteps: Bool { false }
    package static var takesSigmas: Bool { false }

    package static var schedulerClass: SchedulerClass {
        SchedulerClass(
            name: className, fields: fields, sisterNames: sisterNames, unsupportedFields: unsupportedFields)
    }

    /// The scheduler of a run. Fails with `.option` naming the key.
    package func start(_ plan: RunSchedule) throws(PixArtError) -> any Scheduler {
        if let timesteps = plan.timesteps {
            guard Self.takesTimesteps else {
                throw .option("option \"timesteps\" is set; expected null: \(Self.className) takes none")
            }
            guard plan.sigmas == nil else {
                throw .option("option \"sigmas\" is set together with \"timesteps\"; expected one of the two")
            }
            for (index, timestep) in timesteps.enumerated() {
                guard timestep < trainingTimesteps, index == 0 || timestep < timesteps[index - 1] else {
                    throw .option(
                        "option \"timesteps\" has \(timestep) at \(index); expected falling numbers below "
                            + "\(trainingTimesteps)")
                }
            }
        }
        if let sigmas = plan.sigmas {
            guard Self.takesSigmas else {
                throw .option("option \"sigmas\" is set; expected null: \(Self.className) takes none")
            }
            guard sigmas.count > 1, zip(sigmas, sigmas.dropFirst()).allSatisfy({ $0 > $1 }) else {
                throw .option(
                    "option \"sigmas\" has \(sigmas); expected two or more falling numbers, the last one 0 or near")
            }
        }
        guard plan.steps <= trainingTimesteps else {
            throw .option(
                "option \"num_inference_steps\" is \(plan.steps); expected at most the checkpoint's "
                    + "\(trainingTimesteps) training timesteps")
        }
        return try scheduler(plan)
    }
}
