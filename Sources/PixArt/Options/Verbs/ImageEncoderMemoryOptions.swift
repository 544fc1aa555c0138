// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_encoder_memory`.
public struct ImageEncoderMemoryOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        height: Int? = nil,
        numImagesPerPrompt: Int? = nil,
        width: Int? = nil
    ) {
        self.height = height
        self.numImagesPerPrompt = numImagesPerPrompt
        self.width = width
    }

    /// Height of the images in pixels, before any resizing. null means the size of the checkpoint, or 512 if it is not
    /// known. Default: `null`.
    public var height: Int? {
        get { read("height") }
        set { write("height", newValue) }
    }

    /// Number of images for each prompt, computed in one batch. Default: `1`.
    public var numImagesPerPrompt: Int? {
        get { read("num_images_per_prompt") }
        set { write("num_images_per_prompt", newValue) }
    }

    /// Width of the images in pixels. null is as for the height. Default: `null`.
    public var width: Int? {
        get { read("width") }
        set { write("width", newValue) }
    }
}
