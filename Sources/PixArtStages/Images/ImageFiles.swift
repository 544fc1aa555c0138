import PixArtFormats
import PixArtStorage

/// The verbs that work on images without a model.
package enum ImageFiles {
    /// Reads a PNG file, uint8 [H, W, channels].
    package static func read(path: String, _ options: ImageReadOptions) throws(PixArtError) -> Tensor {
        try PNGFile.read(path: path, channels: options.channels)
    }

    /// Reads the bytes of a PNG file, uint8 [H, W, channels]. Messages call them `data`, as the C function does.
    package static func read(data: UnsafeRawBufferPointer, _ options: ImageReadOptions) throws(PixArtError) -> Tensor {
        try PNGFile.read(memory: data, name: "data", channels: options.channels)
    }

    /// Writes one image of a batch, uint8 [B, H, W, 3] or [H, W, 3], to a PNG file.
    package static func write(_ images: Tensor, index: Int, path: String, _ options: ImageWriteOptions)
        throws(PixArtError)
    {
        try PNGFile.write(content(images, index, options), path: path)
    }

    /// The bytes of a PNG file with one image of a batch, uint8 [N].
    package static func encode(_ images: Tensor, index: Int, _ options: ImageWriteOptions) throws(PixArtError) -> Tensor
    {
        try PNGFile.encode(content(images, index, options))
    }

    /// Images that are resized to the size in the options.
    package static func resized(_ images: Tensor, _ options: ImageResizeOptions) throws(PixArtError) -> Tensor {
        try ImageResize.resized(
            images, height: options.height, width: options.width,
            crops: options.mode == .crop)
    }

    private static func content(
        _ images: Tensor, _ index: Int, _ options: ImageWriteOptions
    ) throws(PixArtError) -> PNGFile.Content {
        let batch = try ImageBatch(images, "images", channels: [3])
        guard (0..<batch.count).contains(index) else {
            throw .argument("index is \(UInt(bitPattern: index)), expected 0 to \(batch.count - 1)")
        }
        return PNGFile.Content(
            width: batch.width, height: batch.height, pixels: batch.bytes(index), text: options.text)
    }
}
