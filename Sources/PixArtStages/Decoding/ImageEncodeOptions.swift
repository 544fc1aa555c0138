import PixArtFormats

/// The options of `pixart_image_encoder_open`.
package struct ImageEncoderOpenOptions: VerbOptions {
    package static let verb = "image_encoder_open"

    let network: NetworkOptions

    package init(_ reader: inout OptionReader) { network = NetworkOptions(autoencoder: &reader) }
}

/// The options of `pixart_image_encode`.
package struct ImageEncodeOptions: VerbOptions {
    package static let verb = "image_encode"

    enum SampleMode: String, CaseIterable {
        case sample
        /// The mean of the distribution.
        case argmax
    }

    let sampleMode: SampleMode
    let seed: Seed

    package init(_ reader: inout OptionReader) {
        sampleMode = reader.read(
            .choice(
                "sample_mode", default: .sample,
                "Latents of the distribution that a VAE encodes an image into. \"sample\" draws them, \"argmax\" takes the "
                    + "mean. A tiny autoencoder has no distribution, and its latents are the same in both modes."))
        seed = reader.read(
            .seed(
                "seed", default: 0,
                "Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the "
                    + "whole batch, or an array with one seed for each image."))
    }
}

/// The options of `pixart_image_encoder_memory`.
package struct ImageEncoderMemoryOptions: MemoryOptions {
    package static let verb = "image_encoder_memory"

    let images: ImageSizeOptions

    package init(_ reader: inout OptionReader) { images = ImageSizeOptions(&reader) }

    package init(_ estimate: MemoryEstimateOptions) { images = ImageSizeOptions(estimate.run.size) }
}
