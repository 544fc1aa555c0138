import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The second stage: embedding to latents. Any number of threads may use it at once.
package final class Denoiser: StageHandle {
    package let opened: OpenedNetwork<TransformerDescription>
    let pipeline: Pipeline
    /// The map that previews are computed with, or the error that reading it failed with.
    let previewMap: Result<PreviewMap, PixArtError>
    /// The checkpoint's `scheduler_config.json`, if it has one.
    private let schedulerFile: ConfigurationFile?

    /// Opens the parts `transformer` and `scheduler` of a checkpoint. If it has no scheduler, as in repositories that
    /// publish only a transformer, the settings are those that all published checkpoints share.
    package init(model: String, _ options: DenoiserOpenOptions) throws(PixArtError) {
        let checkpoint = try Checkpoint(model: model, options.network.source)
        pipeline = checkpoint.pipeline
        previewMap = Result { () throws(PixArtError) in try PreviewMap(checkpoint) }
        let description = try TransformerDescription(checkpoint, options.transformer)
        let schedule = checkpoint.companionFile(.transformer, ["scheduler_config.json"])
        schedulerFile = if let schedule { try ConfigurationFile(path: schedule) } else { nil }
        _ = try SchedulerRegistry.configuration(schedulerFile)
        opened = try OpenedNetwork(
            description, .transformer, of: checkpoint, options.network, streamed: options.residency == .streamed,
            companions: (schedulerFile.map { [$0.path] } ?? []) + (description.controlNet?.files ?? []))
    }

    /// The scheduler of a run, from its option `scheduler` and the checkpoint. Fails with `.option`.
    func scheduler(_ option: JSONValue) throws(PixArtError) -> any SchedulerConfiguration {
        try SchedulerRegistry.configuration(schedulerFile, option: option)
    }

    /// The transformer of a run, as its option `adapter_scales` says. Fails with `.option`.
    func transformer(_ scales: [Name: Double]) throws(PixArtError) -> PixArtTransformer {
        opened.network.with(strengths: try AdapterReport.strengths(scales, of: opened.report.adapters))
    }

    var pool: ThreadPool { opened.pool }
}
