// Made by `make docs` from the schemas of the library.

/// The options of `pixart_decoder_memory`.
public struct DecoderMemoryOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        height: Int? = nil,
        lowMemory: Bool? = nil,
        numImagesPerPrompt: Int? = nil,
        width: Int? = nil
    ) {
        self.height = height
        self.lowMemory = lowMemory
        self.numImagesPerPrompt = numImagesPerPrompt
        self.width = width
    }

    /// Height of the images in pixels, before any resizing. null means the size of the checkpoint, or 512 if it is not
    /// known. Default: `null`.
    public var height: Int? {
        get { read("height") }
        set { write("height", newValue) }
    }

    /// true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. At
    /// 1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A tiny
    /// autoencoder ignores it. false: hold these maps. Default: `false`.
    public var lowMemory: Bool? {
        get { read("low_memory") }
        set { write("low_memory", newValue) }
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
