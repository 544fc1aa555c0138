import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The memory that a stage would take, from the configuration and the weight headers of a checkpoint.
package enum Estimate {
    /// Side of an image in pixels if neither the options nor a checkpoint give one.
    static let ownSide = 512

    /// The report for the stage that the options name. It reads no weights. Fails as opening that stage does, and with
    /// `.option` as its verbs do.
    package static func report(model: String, _ options: MemoryEstimateOptions) throws(PixArtError) -> MemoryReport {
        try report(Checkpoint(model: model, options.network.source), options).memory
    }

    /// What a stage takes, and what its network is.
    struct Report {
        let memory: MemoryReport
        let architecture: [Name: JSONValue]
        let ignored: [UnusedTensors.Ignored]
    }

    /// The same with what the stage's network is.
    static func report(_ checkpoint: Checkpoint, _ options: MemoryEstimateOptions) throws(PixArtError) -> Report {
        let description = try options.stage.description(of: checkpoint, options.transformer)
        return try report(description, of: checkpoint, options)
    }

    private static func report<Description: NetworkDescription>(
        _ description: Description, of checkpoint: Checkpoint, _ options: MemoryEstimateOptions
    ) throws(PixArtError) -> Report {
        let stage = options.stage
        let weights = try PartWeights(stage.part, of: checkpoint, options.network, nil)
        let precision = weights.precision
        try require(precision, allowedFor: stage)
        let streamed = options.residency == .streamed
        _ = try description.network(weights.reader, compute: precision.compute, streamed: streamed)
        let footprint = description.footprint(weights.reader, streamed: streamed)
        let (run, pool) = (Description.Memory(options), try ThreadPool(options.network.workers))
        let activations = try description.activationBytes(
            run, compute: precision.compute, ownSide: imageSide(of: checkpoint, stage), pool)
        let memory = MemoryReport(
            weights: footprint,
            activations: activations + footprint.updateBytes(rows: try description.gemmRows(run), pool))
        return Report(memory: memory, architecture: description.architecture, ignored: weights.reader.ignored)
    }

    /// Fails with `.option` if the stage is the VAE's, which has fewer precisions than the others.
    private static func require(_ precision: ResolvedPrecision, allowedFor stage: Stage) throws(PixArtError) {
        guard stage.part == .vae else { return }
        if let weights = precision.weights, weights.isQuantized {
            throw .option(
                "option \"weights\" is \"\(weights.rawValue)\", expected \"auto\", \"float32\" or \"bfloat16\" "
                    + "for the stage \"\(stage.rawValue)\"")
        }
        guard precision.compute == .float32 else {
            throw .option(
                "option \"compute\" is \"\(precision.compute.rawValue)\", expected \"auto\" or \"float32\" for the stage "
                    + "\"\(stage.rawValue)\"")
        }
    }

    /// The side in pixels of the images of a checkpoint's decoder and image encoder.
    private static func imageSide(of checkpoint: Checkpoint, _ stage: Stage) throws(PixArtError) -> Int {
        guard stage.part == .vae, case .pipeline = checkpoint.location, checkpoint.contains(.transformer) else {
            return ownSide
        }
        let file = try checkpoint.configuration(.transformer)
        return try PixArtTransformer.Configuration(file).sampleSize * LatentShape.scale
    }
}
