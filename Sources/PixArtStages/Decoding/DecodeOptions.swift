import PixArtFormats

/// The options of `pixart_decoder_open`.
package struct DecoderOpenOptions: VerbOptions {
    package static let verb = "decoder_open"

    let network: NetworkOptions

    package init(_ reader: inout OptionReader) { network = NetworkOptions(autoencoder: &reader) }
}

/// The options of `pixart_decode`.
package struct DecodeOptions: VerbOptions {
    package static let verb = "decode"

    enum OutputType: String, CaseIterable {
        case uint8, float32
    }

    /// nil for that of the latents.
    let height, width: Int?
    let outputType: OutputType
    let lowMemory: Bool

    package init(_ reader: inout OptionReader) {
        height = reader.read(
            .optionalInteger(
                "height", 1...16384,
                "Height in pixels that images are resized (bilinear) and centre-cropped to. It needs a width. null keeps "
                    + "the size of the decoded image."))
        width = reader.read(
            .optionalInteger(
                "width", 1...16384,
                "Width in pixels that images are resized (bilinear) and centre-cropped to. It needs a height. null keeps "
                    + "the size of the decoded image."))
        outputType = reader.read(
            .choice(
                "output_type", default: .uint8,
                "Element type of the images: \"uint8\" from 0 to 255, or \"float32\" from 0 to 1, before rounding."))
        lowMemory = reader.read(.lowMemory)
    }
}

/// The options of `pixart_decoder_memory`.
package struct DecoderMemoryOptions: MemoryOptions {
    package static let verb = "decoder_memory"

    let images: ImageSizeOptions
    let lowMemory: Bool

    package init(_ reader: inout OptionReader) {
        images = ImageSizeOptions(&reader)
        lowMemory = reader.read(.lowMemory)
    }

    package init(_ estimate: MemoryEstimateOptions) {
        images = ImageSizeOptions(estimate.run.size)
        lowMemory = estimate.lowMemory
    }
}

extension Option where Value == Bool {
    static var lowMemory: Self {
        .boolean(
            "low_memory", default: false,
            "true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. "
                + "At 1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A "
                + "tiny autoencoder ignores it. false: hold these maps.")
    }
}

/// Images that an autoencoder is to take or make.
struct ImageSizeOptions {
    /// nil for the checkpoint's.
    let height, width: Int?
    let imagesPerPrompt: Int

    init(_ reader: inout OptionReader) {
        height = reader.read(
            .optionalInteger(
                "height", 1...16384,
                "Height of the images in pixels, before any resizing. null means the size of the checkpoint, or 512 if it "
                    + "is not known."))
        width = reader.read(
            .optionalInteger("width", 1...16384, "Width of the images in pixels. null is as for the height."))
        imagesPerPrompt = reader.read(.imagesPerPrompt)
    }

    init(_ run: RunSizeOptions) {
        (height, width) = (run.height, run.width)
        imagesPerPrompt = run.imagesPerPrompt
    }
}
