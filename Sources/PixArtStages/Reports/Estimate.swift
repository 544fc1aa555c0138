import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// What a stage would take of memory, from a checkpoint's configuration and headers.
package enum Estimate {
    /// Side of the picture that a decoder or image encoder is asked about where nobody says more.
    static let ownSide = 512

    /// The report for the stage that the options name. No weight is read. Fails as opening that stage does, and with
    /// `.option` as its verbs do.
    package static func report(model: String, _ options: Options) throws(PixArtError) -> MemoryReport {
        let checkpoint = try Checkpoint(folder: model)
        let stage = options.string("stage").flatMap { Stage(rawValue: $0) } ?? .denoise
        let file = try checkpoint.configuration(stage.part.configuration)
        let part = try OpenedPart(stage.part, of: checkpoint, options, nil)
        let (precision, reader) = (part.precision, part.reader)
        try require(precision, allowedFor: stage)
        try checkpoint.survey(stage, reader)
        let pool = try ThreadPool(options)
        switch stage {
        case .encode:
            let configuration = try T5Encoder.Configuration(file)
            let streamed = options.string("residency") == "streamed"
            return MemoryReport(
                weights: streamed ? reader.footprint.streamed(layers: configuration.layers) : reader.footprint,
                activations: Encoder.activationBytes(
                    configuration, checkpoint.pipeline, precision.compute, options, pool))
        case .denoise:
            let configuration = try PixArtTransformer.Configuration(file)
            return MemoryReport(
                weights: reader.footprint,
                activations: try Denoiser.activationBytes(
                    configuration, checkpoint.pipeline, precision.compute, options, pool))
        case .decode:
            let side = try pictureSide(of: checkpoint)
            return MemoryReport(
                weights: reader.footprint,
                activations: try Autoencoder(file, for: .decoder).decodingBytes(options, ownSide: side, pool))
        case .encodeImage:
            let side = try pictureSide(of: checkpoint)
            return MemoryReport(
                weights: reader.footprint,
                activations: try Autoencoder(file, for: .encoder).encodingBytes(options, ownSide: side, pool))
        }
    }

    /// The VAE has fewer precisions than the others.
    private static func require(_ precision: WorkingPrecision, allowedFor stage: Stage) throws(PixArtError) {
        guard stage.part == .vae else { return }
        if [.int8, .int4].contains(precision.weights) {
            throw .option(
                "option \"weights\" is \"\(precision.weights.rawValue)\", expected \"auto\", \"float32\" or \"bfloat16\" "
                    + "for the stage \"\(stage.rawValue)\"")
        }
        guard precision.compute == .float32 else {
            throw .option(
                "option \"compute\" is \"\(precision.compute.rawValue)\", expected \"auto\" or \"float32\" for the stage "
                    + "\"\(stage.rawValue)\"")
        }
    }

    /// Pixels along one side of the pictures that a checkpoint makes.
    private static func pictureSide(of checkpoint: Checkpoint) throws(PixArtError) -> Int {
        guard checkpoint.contains(Part.transformer.configuration) else { return ownSide }
        let file = try checkpoint.configuration(Part.transformer.configuration)
        return try PixArtTransformer.Configuration(file).sampleSize * Denoiser.scale
    }
}
