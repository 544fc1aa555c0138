import PixArtCompute
import PixArtFormats

/// The options of `pixart_convert`.
package struct ConvertOptions: VerbOptions {
    package static let verb = "convert"

    let weights: WeightEncoding
    /// nil for all that the checkpoint has.
    let parts: [Part]?
    let source: SourceOptions
    let adapters: AdapterOptions
    let threads: Int

    package init(_ reader: inout OptionReader) {
        weights = reader.read(
            .choice(
                "weights", among: WeightEncoding.targets, default: .int8,
                "Precision in which weights are stored. Layers that would lose too much accuracy keep a higher precision. "
                    + "Biases, norms and tables stay as they are, but \"float32\" widens them. The converted checkpoint, "
                    + "opened with default options, computes the same bits as the original opened with the same \"weights\". "
                    + "\"int8\" and \"int4\" copy the VAE unchanged: it is small and supports nothing below bfloat16."))
        parts = reader.read(
            .optionalChoices(
                "parts", Part.allCases,
                "Parts to write. The tokenizer is written with the text encoder, and the scheduler with the transformer. "
                    + "null means all parts of the checkpoint."))
        source = SourceOptions(&reader)
        adapters = AdapterOptions(fused: &reader)
        threads = reader.read(.threads)
    }
}
