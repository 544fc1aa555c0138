import PixArtFormats

/// The options of `pixart_memory_estimate`: the stage, the size of a call, and how the stage would be opened.
package struct MemoryEstimateOptions: VerbOptions {
    package static let verb = "memory_estimate"

    let stage: Stage
    let run: DenoiserMemoryOptions
    let lowMemory: Bool
    let network: NetworkOptions
    let residency: Residency
    let transformer: TransformerOptions

    package init(_ reader: inout OptionReader) {
        stage = reader.read(
            .choice(
                "stage", default: .denoise,
                "Stage to estimate. Options that the stage does not have are checked and otherwise ignored."))
        run = DenoiserMemoryOptions(&reader)
        lowMemory = reader.read(.lowMemory)
        let precision = PrecisionOptions(&reader)
        residency = reader.read(
            .residency("Residency of the weights, as pixart_encoder_open and pixart_denoiser_open have it."))
        transformer = TransformerOptions(&reader)
        network = NetworkOptions(
            WorkerOptions(&reader), SourceOptions(&reader), precision, AdapterOptions(&reader))
    }

    /// The defaults for a stage of a model.
    init(_ stage: Stage, _ source: SourceOptions) {
        var reader = OptionReader()
        self.stage = stage
        run = DenoiserMemoryOptions(&reader)
        lowMemory = false
        residency = .resident
        transformer = .plain
        network = NetworkOptions(WorkerOptions(&reader), source, PrecisionOptions(&reader), .none)
    }
}

/// What decides how much memory a call of a stage takes.
package protocol MemoryOptions: VerbOptions {
    /// Those of an estimate that the stage has.
    init(_ estimate: MemoryEstimateOptions)
}
