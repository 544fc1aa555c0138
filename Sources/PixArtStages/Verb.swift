import PixArtFormats

/// The verbs of the library that take options.
package enum Verb: String, CaseIterable, Sendable {
    case encoderOpen = "encoder_open"
    case encode
    case denoiserOpen = "denoiser_open"
    case denoise
    case decoderOpen = "decoder_open"
    case decode
    case imageWrite = "image_write"

    package var schema: OptionSchema {
        switch self {
        case .encoderOpen, .denoiserOpen, .decoderOpen: OptionSchema(rawValue, [Self.threads, Self.variant])
        case .encode: OptionSchema(rawValue, Self.encodeOptions)
        case .denoise: OptionSchema(rawValue, Self.denoiseOptions)
        case .decode: OptionSchema(rawValue, Self.decodeOptions)
        case .imageWrite: OptionSchema(rawValue, Self.imageOptions)
        }
    }

    private static let threads = OptionSchema.Property(
        "threads", .integer(0...128), default: .integer(0),
        "Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.")

    private static let variant = OptionSchema.Property(
        "variant", .text, default: .null,
        "Which files of the checkpoint to use, as in from_pretrained(variant=...): \"fp16\" takes those with .fp16. in their "
            + "names.")

    private static let encodeOptions: [OptionSchema.Property] = [
        .init(
            "clean_caption", .boolean, default: .bool(true),
            "Clean the prompt as diffusers' pipeline does by default: HTML, URLs, mojibake and more are taken out. Otherwise "
                + "it is only lower-cased and stripped."),
        .init(
            "max_sequence_length", .integer(1...4096), default: .integer(120),
            "Most tokens that are encoded, the closing one included; the rest of the prompt is dropped."),
    ]

    private static let denoiseOptions: [OptionSchema.Property] = [
        .init("num_inference_steps", .integer(1...999), default: .integer(20), "Denoising steps of the run."),
        .init(
            "guidance_scale", .number(0...1000), default: .number(4.5),
            "Weight of classifier-free guidance. It is used, and doubles the work, where it is above 1."),
        .init(
            "height", .integer(16...16384), default: .null,
            "Height of the picture in pixels; null stands for the checkpoint's own. Without binning it must be divisible by "
                + "8 times the patch size (16)."),
        .init(
            "width", .integer(16...16384), default: .null,
            "Width of the picture in pixels; as the height."),
        .init(
            "use_resolution_binning", .boolean, default: .null,
            "Denoise at the nearest aspect ratio that the checkpoint was trained on; tell decode the height and width to get "
                + "the size asked for. null stands for true where the checkpoint has such sizes (sample_size 32, 64 and "
                + "128)."),
        .init("num_images_per_prompt", .integer(1...256), default: .integer(1), "Pictures made at once, B."),
        .init(
            "seed", .seeds, default: .integer(0),
            "Seed of the noise, drawn as torch.Generator().manual_seed(seed) does on the CPU: one for the whole batch, or an "
                + "array with one for each picture."),
    ]

    private static let decodeOptions: [OptionSchema.Property] = [
        .init(
            "height", .integer(1...16384), default: .null,
            "Height to resize (bilinear) and centre-crop to, given together with the width; null leaves the size alone."
        ),
        .init("width", .integer(1...16384), default: .null, "Width to resize and centre-crop to; as the height."),
        .init(
            "output_type", .choice(["uint8", "float32"]), default: .string("uint8"),
            "Elements of the images: bytes from 0 to 255, or float32 from 0 to 1 before rounding."),
    ]

    private static let imageOptions: [OptionSchema.Property] = [
        .init(
            "text", .texts, default: .object([:]),
            "Text chunks of the file by keyword, such as {\"prompt\": \"...\", \"seed\": \"7\"}. Keywords have 1 to 79 Latin-1 "
                + "characters.")
    ]
}
