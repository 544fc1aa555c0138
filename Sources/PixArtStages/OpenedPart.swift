import PixArtCompute
import PixArtFormats

/// The weights of a part on their way into a network, as the options of an open say.
struct OpenedPart {
    let precision: WorkingPrecision
    let reader: WeightReader

    /// Reads headers only. Weights are converted while they are read if there is a `pool`. Fails with `.file`, `.format`,
    /// `.model` and `.option`.
    init(_ part: Part, of checkpoint: Checkpoint, _ options: Options, _ pool: ThreadPool?) throws(PixArtError) {
        let source = try checkpoint.weights(part, variant: options.string("variant"))
        precision = try WorkingPrecision(options, storedAs: source)
        reader = WeightReader(
            WeightSupply(source, precision: precision.weights, unexpected: UnexpectedTensors(options), pool))
    }
}

extension UnexpectedTensors {
    /// As the option `unexpected_tensors` of a call says.
    init(_ options: Options) {
        self = options.string("unexpected_tensors").flatMap { Self(rawValue: $0) } ?? .error
    }
}
