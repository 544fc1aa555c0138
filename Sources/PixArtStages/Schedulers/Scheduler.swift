import PixArtCompute
import PixArtFormats

/// A rule that turns the transformer's predictions into less noisy latents, step by step. A value holds one run.
package protocol Scheduler: Sendable {
    /// The timestep that the transformer sees in each step, falling. Schedulers of second order have two for most
    /// steps.
    var timesteps: [Float] { get }
    /// The standard deviation of the noise that a run starts from.
    var initialNoiseSigma: Float { get }
    /// Whether `step` wants the channels beyond those of the latents, from which some models' variance follows.
    var wantsVariance: Bool { get }
    /// What the transformer is to see in the next step instead of the latents themselves.
    func modelInput(_ sample: [Float]) -> [Float]
    /// Advances from `sample` by the transformer's `output`, both of the same size; called once for each timestep.
    /// `noise` is drawn from in diffusers' order.
    mutating func step(output: [Float], sample: [Float], noise: inout NoiseSource) -> SchedulerStep
    /// The same with the output's second half of channels, where the transformer has one.
    mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseSource
    ) -> SchedulerStep
}

extension Scheduler {
    package var initialNoiseSigma: Float { 1 }
    package var wantsVariance: Bool { false }
    package func modelInput(_ sample: [Float]) -> [Float] { sample }
    package mutating func step(
        output: [Float], variance: [Float]?, sample: [Float], noise: inout NoiseSource
    ) -> SchedulerStep { step(output: output, sample: sample, noise: &noise) }
}

/// What a step results in.
package struct SchedulerStep: Sendable {
    /// The latents of the next step.
    package let sample: [Float]
    /// The estimate of the noiseless latents that this step's prediction amounts to.
    package let original: [Float]
}

/// How a run is laid out.
package struct SchedulerPlan: Sendable {
    /// Steps of the run; as many as `timesteps` or `sigmas` ask for where these are given.
    package let steps: Int
    /// Timesteps instead of those that the spacing gives, falling.
    package let timesteps: [Int]?
    /// Noise levels instead of those of the timesteps, the last one included, falling.
    package let sigmas: [Double]?
    /// How much noise DDIM and TCD add, from 0 to 1.
    package let eta: Double

    package init(steps: Int, timesteps: [Int]? = nil, sigmas: [Double]? = nil, eta: Double = 0) {
        self.steps = timesteps?.count ?? sigmas.map { max($0.count - 1, 1) } ?? steps
        self.timesteps = timesteps
        self.sigmas = sigmas
        self.eta = eta
    }
}

/// What a scheduler is set to: makes the scheduler of each run.
package protocol SchedulerConfiguration: Sendable {
    /// diffusers' name of the class.
    static var className: String { get }
    /// The fields that it has, those of diffusers' class that make a difference here.
    static var fields: [OptionSchema.Property] { get }
    /// Further fields of diffusers' class, which make no difference.
    static var idleFields: Set<String> { get }
    /// Whether a run may name its timesteps, and its noise levels.
    static var takesTimesteps: Bool { get }
    static var takesSigmas: Bool { get }
    /// Fails naming the key, where fields do not go together.
    init(_ settings: SchedulerSettings) throws(PixArtError)
    /// Timesteps that the model was trained with.
    var trainingTimesteps: Int { get }
    /// Fails with `.option` where the plan asks for what the scheduler cannot do. Its timesteps are fewer than
    /// `trainingTimesteps`, lie below that, and fall.
    func scheduler(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler
}

extension SchedulerConfiguration {
    package static var idleFields: Set<String> { [] }
    package static var takesTimesteps: Bool { false }
    package static var takesSigmas: Bool { false }

    /// The scheduler of a run. Fails with `.option` naming the key.
    package func start(_ plan: SchedulerPlan) throws(PixArtError) -> any Scheduler {
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
        guard plan.steps < trainingTimesteps else {
            throw .option(
                "option \"num_inference_steps\" is \(plan.steps), expected fewer than the checkpoint's "
                    + "\(trainingTimesteps) training timesteps")
        }
        return try scheduler(plan)
    }
}

/// All schedulers, by class name.
package enum SchedulerRegistry {
    package static let known: [any SchedulerConfiguration.Type] = [
        DPMSolverMultistepScheduler.Configuration.self,
        DPMSolverSinglestepScheduler.Configuration.self,
        DDIMScheduler.Configuration.self,
        DDPMScheduler.Configuration.self,
        PNDMScheduler.Configuration.self,
        LMSDiscreteScheduler.Configuration.self,
        EulerDiscreteScheduler.Configuration.self,
        EulerAncestralDiscreteScheduler.Configuration.self,
        HeunDiscreteScheduler.Configuration.self,
        KDPM2DiscreteScheduler.Configuration.self,
        KDPM2AncestralDiscreteScheduler.Configuration.self,
        DEISMultistepScheduler.Configuration.self,
        UniPCMultistepScheduler.Configuration.self,
        SASolverScheduler.Configuration.self,
        EDMEulerScheduler.Configuration.self,
        LCMScheduler.Configuration.self,
        TCDScheduler.Configuration.self,
    ]

    /// What the published checkpoints come with.
    package static let published = "DPMSolverMultistepScheduler"

    /// What a checkpoint's file asks for; nil for the settings that all published checkpoints share.
    package static func configuration(
        _ file: ConfigurationFile?
    ) throws(PixArtError) -> any SchedulerConfiguration {
        try configuration(file, option: .null)
    }

    /// The same where the option `scheduler` of a run may say otherwise: a name, or an object with fields. Fields that
    /// it leaves out are the file's where the class has them, else the class's own.
    package static func configuration(
        _ file: ConfigurationFile?, option: JSONValue
    ) throws(PixArtError) -> any SchedulerConfiguration {
        let own = try file?.string("_class_name") ?? published
        let fields = option.object ?? [:]
        let asked = option.string ?? (fields["_class_name"] ?? fields["name"])?.string
        let name = asked ?? own
        guard let type = known.first(where: { $0.className == name || $0.className == name + "Scheduler" }) else {
            let names = known.map { "\"\($0.className)\"" }
            guard asked == nil, let file else {
                throw .option("option \"scheduler\" is \"\(name)\", expected \(names.joined(separator: " or "))")
            }
            throw file.unsupported("_class_name", found: "\"\(name)\"", names)
        }
        let overrides = fields.filter { $0.key != "name" && !$0.key.hasPrefix("_") }
        return try type.init(
            SchedulerSettings(
                type.className, type.fields, idle: type.idleFields, file: file, inherits: type.className == own,
                overrides))
    }
}

extension SchedulerRegistry {
    /// What the option `scheduler` may be, as JSON Schema: a name, or an object with the fields of the class.
    package static var schemas: [JSONValue] {
        let names: JSONValue = .object([
            "type": .string("string"), "enum": .array(known.map { .string($0.className) }),
        ])
        return [names]
            + known.map { type in
                var members: [String: JSONValue] = [:]
                for field in type.fields { members[field.name] = .object(field.json) }
                members["_class_name"] = .object(["const": .string(type.className)])
                return .object([
                    "title": .string(type.className), "type": .string("object"), "properties": .object(members),
                ])
            }
    }
}
