import PixArtFormats

/// The options of the verbs that work on images alone.
enum ImageOptions {
    static let read: [OptionSchema.Property] = [
        .init(
            "channels", .integerChoice([1, 3, 4]), default: .integer(3),
            "Channels of the image: 1 is grey, 3 RGB, 4 RGBA. Alpha that is not asked for is dropped, alpha that the file lacks "
                + "is 255; colours become grey by ITU-R 601.")
    ]

    static let write: [OptionSchema.Property] = [
        .init(
            "text", .texts, default: .object([:]),
            "Text chunks of the file by keyword, such as {\"prompt\": \"...\", \"seed\": \"7\"}. Keywords have 1 to 79 Latin-1 "
                + "characters.")
    ]

    static let resize: [OptionSchema.Property] = [
        .init(
            "height", .integer(1...16384), default: .null,
            "Height to resize to; null stands for the images' own. Encoding wants multiples of 8."),
        .init("width", .integer(1...16384), default: .null, "Width to resize to; as the height."),
        .init(
            "resize_mode", .choice(["default", "crop"]), default: .string("default"),
            "\"default\" stretches; \"crop\" keeps the proportions, covers height and width, and cuts out the middle."),
    ]
}
