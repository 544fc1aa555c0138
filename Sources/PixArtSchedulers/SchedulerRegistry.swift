import PixArtFormats
import PixArtStorage

/// All schedulers, by class name.
package enum SchedulerRegistry {
    package static let known: [any SchedulerConfiguration.Type] = [
        DPMSolverMultistepScheduler.Configuration.self,
        DPMSolverSinglestepScheduler.Configuration.self,
        DPMSolverSDEScheduler.Configuration.self,
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

    /// The scheduler of the published checkpoints.
    package static let published = "DPMSolverMultistepScheduler"

    /// The scheduler of a checkpoint's file; nil means the settings that all published checkpoints share.
    package static func configuration(
        _ file: ConfigurationFile?
    ) throws(PixArtError) -> any SchedulerConfiguration {
        try configuration(file, option: .null)
    }

    /// The same, replaced by a run's option `scheduler`: a name, or an object with fields. A field that the option
    /// leaves out comes from the file if the class has it, else from the class's defaults.
    package static func configuration(
        _ file: ConfigurationFile?, option: JSONValue
    ) throws(PixArtError) -> any SchedulerConfiguration {
        let own = try file?.string("_class_name") ?? published
        let fields = option.object ?? [:]
        let asked = option.string ?? (fields["_class_name"] ?? fields["name"])?.string
        let name = asked ?? own
        let classNames = [Name(name), Name(name + "Scheduler")]
        guard let type = known.first(where: { classNames.contains(Name($0.className)) }) else {
            let names = known.map { "\"\($0.className)\"" }
            guard asked == nil, let file else {
                throw .option("option \"scheduler\" is \"\(name)\"; expected \(names.joined(separator: " or "))")
            }
            throw file.unsupported("_class_name", found: "\"\(name)\"", names)
        }
        return try type.init(
            SchedulerOptions(type.schedulerClass, file: file, inherits: type.className == own, option: fields))
    }
}

extension SchedulerRegistry {
    /// JSON Schema of the option `scheduler`: a name, or an object with the fields of the class.
    package static var schemas: [JSONValue] {
        let names: JSONValue = .object([
            "type": .string("string"), "enum": .array(known.map { .string($0.className) }),
        ])
        return [names]
            + known.map { type in
                var members: [Name: JSONValue] = [:]
                for field in type.fields { members[field.name] = .object(field.json) }
                members["_class_name"] = .object(["const": .string(type.className)])
                return .object([
                    "title": .string(type.className), "type": .string("object"), "properties": .object(members),
                ])
            }
    }
}
