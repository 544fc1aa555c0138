import PixArtCompute
import PixArtFormats
import PixArtNetworks

/// What a stage would take of memory, from a checkpoint's configuration and headers.
package enum Estimate {
    /// Side of the picture that a decoder is asked about where nobody says more.
    static let decodedSide = 512

    /// The report for the stage that the options name. No weight is read. Fails as opening that stage does, and with
    /// `.option` as its verbs do.
    package static func report(model: String, _ options: Options) throws(PixArtError) -> MemoryReport {
        let checkpoint = try Checkpoint(folder: model)
        let part = part(of: options.string("stage"))
        let file = try checkpoint.configuration(part.configuration)
        let source = try checkpoint.weights(part, variant: options.string("variant"))
        let precision = try WorkingPrecision(options, storedAs: source)
        try require(precision, allowedFor: part)
        let reader = WeightReader(WeightSupply(source, precision: precision.weights))
        try checkpoint.survey(part, reader)
        let pool = try ThreadPool(options)
        switch part {
        case .textEncoder:
            let configuration = try T5Encoder.Configuration(file)
            let streamed = options.string("residency") == "streamed"
            return MemoryReport(
                weights: streamed ? reader.footprint.streamed(layers: configuration.layers) : reader.footprint,
                activations: Encoder.activationBytes(
                    configuration, checkpoint.pipeline, precision.compute, options, pool))
        case .transformer:
            let configuration = try PixArtTransformer.Configuration(file)
            return MemoryReport(
                weights: reader.footprint,
                activations: try Denoiser.activationBytes(
                    configuration, checkpoint.pipeline, precision.compute, options, pool))
        case .vae:
            let side = try ownSide(checkpoint)
            return MemoryReport(
                weights: reader.footprint,
                activations: Decoder.activationBytes(
                    try VAEDecoder.Configuration(file), options, ownSide: side, pool))
        }
    }

    private static func part(of stage: String?) -> Part {
        switch stage {
        case "encode": .textEncoder
        case "decode": .vae
        default: .transformer
        }
    }

    /// The VAE has fewer precisions than the others.
    private static func require(_ precision: WorkingPrecision, allowedFor part: Part) throws(PixArtError) {
        guard part == .vae else { return }
        if [.int8, .int4].contains(precision.weights) {
            throw .option(
                "option \"weights\" is \"\(precision.weights.rawValue)\", expected \"auto\", \"float32\" or \"bfloat16\" "
                    + "for the stage \"decode\"")
        }
        guard precision.compute == .float32 else {
            throw .option(
                "option \"compute\" is \"\(precision.compute.rawValue)\", expected \"auto\" or \"float32\" for the stage "
                    + "\"decode\"")
        }
    }

    /// Pixels along one side of the pictures that a checkpoint makes.
    private static func ownSide(_ checkpoint: Checkpoint) throws(PixArtError) -> Int {
        guard checkpoint.contains(Part.transformer.configuration) else { return decodedSide }
        let file = try checkpoint.configuration(Part.transformer.configuration)
        return try PixArtTransformer.Configuration(file).sampleSize * Denoiser.scale
    }
}
