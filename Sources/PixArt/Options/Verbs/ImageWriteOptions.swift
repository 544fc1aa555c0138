// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_write`.
public struct ImageWriteOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        text: [String: String]? = nil
    ) {
        self.text = text
    }

    /// Text chunks of the file by keyword, such as {"prompt": "...", "seed": "7"}. A keyword has 1 to 79 Latin-1
    /// characters. Default: `{}`.
    public var text: [String: String]? {
        get { read("text") }
        set { write("text", newValue) }
    }
}
