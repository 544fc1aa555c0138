// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_resize`.
public struct ImageResizeOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        height: Int? = nil,
        resizeMode: ResizeMode? = nil,
        width: Int? = nil
    ) {
        self.height = height
        self.resizeMode = resizeMode
        self.width = width
    }

    /// Height in pixels to resize to. null keeps the height. pixart_image_encode needs multiples of 8. Default: `null`.
    public var height: Int? {
        get { read("height") }
        set { write("height", newValue) }
    }

    /// "default" stretches the image. "crop" keeps its aspect ratio: it resizes the image to cover height and width,
    /// and cuts out the centre. Default: `"default"`.
    public var resizeMode: ResizeMode? {
        get { read("resize_mode") }
        set { write("resize_mode", newValue) }
    }

    /// Width in pixels to resize to. null keeps the width. pixart_image_encode needs multiples of 8. Default: `null`.
    public var width: Int? {
        get { read("width") }
        set { write("width", newValue) }
    }

    /// The values of `resizeMode`.
    public enum ResizeMode: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case `default`
        case crop
    }
}
