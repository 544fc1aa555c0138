// Made by `make docs` from the schemas of the library.

/// The options of `pixart_decode`.
public struct DecodeOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        height: Int? = nil,
        lowMemory: Bool? = nil,
        outputType: OutputType? = nil,
        preset: Preset? = nil,
        width: Int? = nil
    ) {
        self.height = height
        self.lowMemory = lowMemory
        self.outputType = outputType
        self.preset = preset
        self.width = width
    }

    /// Height in pixels that images are resized (bilinear) and centre-cropped to. It needs a width. null keeps the size
    /// of the decoded image. Default: `null`.
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

    /// Element type of the images: "uint8" from 0 to 255, or "float32" from 0 to 1, before rounding. Default:
    /// `"uint8"`.
    public var outputType: OutputType? {
        get { read("output_type") }
        set { write("output_type", newValue) }
    }

    /// Accepted so that all stages can take the same preset. It sets no option of this verb. Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }

    /// Width in pixels that images are resized (bilinear) and centre-cropped to. It needs a height. null keeps the size
    /// of the decoded image. Default: `null`.
    public var width: Int? {
        get { read("width") }
        set { write("width", newValue) }
    }

    /// The values of `outputType`.
    public enum OutputType: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case uint8
        case float32
    }
}
