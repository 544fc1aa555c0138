import PixArtCompute
import PixArtStorage

extension Stage {
    /// The description of the stage's network in a checkpoint. A transformer is as `options` say. Fails with `.file`, `.format` and `.model`.
    func description(
        of checkpoint: Checkpoint, _ options: TransformerOptions = .plain
    ) throws(PixArtError) -> any NetworkDescription {
        switch self {
        case .encode: try TextEncoderDescription(checkpoint)
        case .denoise: try TransformerDescription(checkpoint, options)
        case .decode: try DecoderDescription(checkpoint)
        case .imageEncode: try ImageEncoderDescription(checkpoint)
        }
    }

    /// Checks that `reader` has the weights of the stage's network. The reader then knows the precision of each.
    func validate(_ checkpoint: Checkpoint, with reader: WeightReader) throws(PixArtError) {
        _ = try description(of: checkpoint).network(reader, compute: .float32, streamed: false)
    }
}
