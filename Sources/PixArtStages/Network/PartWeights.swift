import PixArtCompute
import PixArtFormats
import PixArtStorage

/// The weights of a part, before its network reads them.
struct PartWeights {
    private let checkpoint: Checkpoint
    private let part: Part
    private let source: any WeightSource
    private let adapters: PartAdapters?
    let precision: ResolvedPrecision
    let reader: WeightReader

    /// Reads headers only. Weights are converted while they are read if there is a `pool`. Fails with `.file`,
    /// `.format`, `.model` and `.option`.
    init(_ part: Part, of checkpoint: Checkpoint, _ options: NetworkOptions, _ pool: ThreadPool?) throws(PixArtError) {
        self.checkpoint = checkpoint
        self.part = part
        source = try checkpoint.weights(part)
        precision = try ResolvedPrecision(options.precision, storedAs: source)
        adapters = try PartAdapters(options.adapters, part, source, as: precision.weights, pool)
        try adapters?.requireMatches()
        reader = WeightReader(
            WeightLoading(
                adapters?.source ?? source, as: precision.weights, keepsRounded: precision.keepsRounded,
                unexpected: options.source.unexpectedTensors, pool))
        reader.reportsProgress = true
    }

    /// The report of a handle, after its network has taken the weights. `companions` are further files that it uses.
    func report(
        companions: [String], _ kernels: Kernels, _ architecture: [Name: JSONValue]
    ) throws(PixArtError) -> HandleReport {
        var stored: Set<ElementType> = []
        for reader in [reader] + (reader.companion.map { [$0] } ?? []) {
            for name in reader.requestedNames {
                if let tensor = try reader.loading.source[name.text] { stored.insert(tensor.type) }
            }
        }
        return try HandleReport(
            files: (checkpoint.configurationPath(part).map { [$0] } ?? []) + source.paths + companions, stored: stored,
            precision: precision, kernels: kernels, ignored: reader.ignored, origin: checkpoint.origin(part),
            adapters: adapters?.reports ?? [], architecture: architecture)
    }
}
