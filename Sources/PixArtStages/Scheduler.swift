import PixArtCompute
import PixArtFormats

/// A rule that turns the transformer's predictions into less noisy latents, step by step. A value holds one run.
package protocol Scheduler: Sendable {
    /// The timestep that the transformer sees in each step, falling.
    var timesteps: [Float] { get }
    /// The standard deviation of the noise that a run starts from.
    var initialNoiseSigma: Float { get }
    /// Advances from `sample` by the transformer's `output`, both of the same size; called once for each timestep.
    mutating func step(output: [Float], sample: [Float]) -> [Float]
}

/// What a checkpoint's `scheduler_config.json` asks for: makes the scheduler of each run.
package protocol SchedulerConfiguration: Sendable {
    /// diffusers' name of the class.
    static var className: String { get }
    /// Fails with `.model` naming the key, where the configuration asks for what is not supported.
    init(_ file: ConfigurationFile) throws(PixArtError)
    /// Timesteps that the model was trained with.
    var trainingTimesteps: Int { get }
    /// `steps` is from 1 to below `trainingTimesteps`.
    func scheduler(steps: Int) -> any Scheduler
}

/// All schedulers, by class name.
package enum SchedulerRegistry {
    private static let known: [any SchedulerConfiguration.Type] = [
        DPMSolverMultistepScheduler.Configuration.self
    ]

    package static func configuration(
        _ file: ConfigurationFile
    ) throws(PixArtError) -> any SchedulerConfiguration {
        let name = try file.string("_class_name")
        guard let type = known.first(where: { $0.className == name }) else {
            throw file.unsupported("_class_name", found: "\"\(name)\"", known.map { "\"\($0.className)\"" })
        }
        return try type.init(file)
    }
}
