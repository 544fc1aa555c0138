import PixArtFormats

/// The options of `pixart_image_read` and `pixart_image_read_memory`.
package struct ImageReadOptions: VerbOptions {
    package static let verb = "image_read"

    let channels: Int

    package init(_ reader: inout OptionReader) {
        channels = reader.read(
            .integer(
                "channels", among: [1, 3, 4], default: 3,
                "Channels of the image: 1 is grey, 3 is RGB, 4 is RGBA. Alpha is dropped if it is not requested, and is 255 "
                    + "if the file has none. Colours are converted to grey by ITU-R 601."))
    }
}

/// The options of `pixart_image_write` and `pixart_image_write_memory`.
package struct ImageWriteOptions: VerbOptions {
    package static let verb = "image_write"

    package let text: [(keyword: String, text: String)]

    package init(_ reader: inout OptionReader) {
        text = reader.read(
            .texts(
                "text",
                "Text chunks of the file by keyword, such as {\"prompt\": \"...\", \"seed\": \"7\"}. A keyword has 1 to 79 "
                    + "Latin-1 characters."))
    }
}

/// The options of `pixart_image_resize`.
package struct ImageResizeOptions: VerbOptions {
    package static let verb = "image_resize"

    enum ResizeMode: String, CaseIterable {
        case stretch = "default"
        case crop
    }

    /// nil for that of the images.
    let height, width: Int?
    let mode: ResizeMode

    package init(_ reader: inout OptionReader) {
        height = reader.read(
            .optionalInteger(
                "height", 1...16384,
                "Height in pixels to resize to. null keeps the height. pixart_image_encode needs multiples of 8."))
        width = reader.read(
            .optionalInteger(
                "width", 1...16384,
                "Width in pixels to resize to. null keeps the width. pixart_image_encode needs multiples of 8."))
        mode = reader.read(
            .choice(
                "resize_mode", default: .stretch,
                "\"default\" stretches the image. \"crop\" keeps its aspect ratio: it resizes the image to cover height and "
                    + "width, and cuts out the centre."))
    }
}

/// The options of `pixart_image_edges`.
package struct ImageEdgesOptions: VerbOptions {
    package static let verb = "image_edges"

    let workers: WorkerOptions

    package init(_ reader: inout OptionReader) { workers = WorkerOptions(&reader) }
}
