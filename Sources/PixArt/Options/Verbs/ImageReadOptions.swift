// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_read`.
public struct ImageReadOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        channels: Int? = nil
    ) {
        self.channels = channels
    }

    /// Channels of the image: 1 is grey, 3 is RGB, 4 is RGBA. Alpha is dropped if it is not requested, and is 255 if
    /// the file has none. Colours are converted to grey by ITU-R 601. Default: `3`.
    public var channels: Int? {
        get { read("channels") }
        set { write("channels", newValue) }
    }
}
