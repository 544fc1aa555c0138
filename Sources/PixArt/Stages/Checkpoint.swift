internal import CPixArt
internal import PixArtFormats
internal import PixArtStages
internal import PixArtStorage

/// What can be done with a checkpoint without opening a stage. `model` is what `TextEncoder` takes.
public enum Checkpoint {
    /// What a model on disk is: its parts, their sizes and precisions. No weights are read.
    public static func inspect(_ model: String, options: InspectOptions = InspectOptions()) async throws -> JSON {
        try await CallThread.run { () throws(PixArtStorage.PixArtError) in
            JSON(try Inspection.report(model: withoutNUL(model, "model"), options.read()))
        }
    }

    /// The memory that a stage would take, in bytes, before it is opened.
    public static func memoryEstimate(
        _ model: String, options: MemoryEstimateOptions = MemoryEstimateOptions()
    ) async throws -> JSON {
        try await CallThread.run { () throws(PixArtStorage.PixArtError) in
            JSON(try Estimate.report(model: withoutNUL(model, "model"), options.read()).json)
        }
    }

    /// Writes a checkpoint in another precision, which opens without conversion.
    public static func convert(
        _ model: String, to path: String, options: ConvertOptions = ConvertOptions(), progress: ProgressHandler? = nil
    ) async throws {
        try await CallThread.run(progress) { () throws(PixArtStorage.PixArtError) in
            try Conversion.convert(
                model: withoutNUL(model, "model"), to: withoutNUL(path, "path"), options.read())
        }
    }
}

/// Facts about the library.
public enum Library {
    /// "major.minor.patch".
    public static let version = "\(PIXART_VERSION_MAJOR).\(PIXART_VERSION_MINOR).\(PIXART_VERSION_PATCH)"

    /// The names of the verbs that take options, such as "denoise".
    public static var verbs: [String] { Verbs.all.map { $0.verb } }

    /// The options of a verb as JSON Schema; nil if there is no such verb.
    public static func optionsSchema(of verb: String) -> JSON? {
        Verbs.all.first { $0.verb == verb }.map { JSON($0.schema.json) }
    }
}
