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
        let classNames = [Name(name), Name(name + "Scheduler")]
        guard let type = known.first(where: { classNames.contains(Name($0.className)) }) else {
            let names = known.map { "\"\($0.className)\"" }
            guard asked == nil, let file else {
                throw .option("option \"scheduler\" is \"\(name)\", expected \(names.joined(separator: " or "))")
            }
            throw file.unsupported("_class_name", found: "\"\(name)\"", names)
        }
        return try type.init(SchedulerOptions(type, file: file, inherits: type.className == own, option: fields))
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
                var members: [Name: JSONValue] = [:]
                for field in type.fields { members[field.name] = .object(field.json) }
                members["_class_name"] = .object(["const": .string(type.className)])
                return .object([
                    "title": .string(type.className), "type": .string("object"), "properties": .object(members),
                ])
            }
    }
}
