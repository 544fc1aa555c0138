internal import PixArtStages
internal import PixArtStorage

/// The inverse of the third stage: images to latents, for runs that start from an image. Any number of tasks may use it
/// at once.
public final class ImageEncoder: Sendable {
    private let handle: PixArtStages.ImageEncoder

    /// Opens the image encoder of a checkpoint, which `model` names as in `TextEncoder`. Fails with `.option`, `.file`,
    /// `.format`, `.model` and `.memory`.
    public init(
        model: String, options: ImageEncoderOpenOptions = ImageEncoderOpenOptions(), progress: ProgressHandler? = nil
    ) async throws {
        handle = try await CallThread.run(progress) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.ImageEncoder(model: withoutNUL(model, "model"), options.read())
        }
    }

    /// The latents of images of one size, float32 [B, C, Y, X]. Width and height are multiples of 8; see
    /// `Image.resized(_:)`. Fails with `.argument`.
    public func encode(
        _ images: [Image], options: ImageEncodeOptions = ImageEncodeOptions(), progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        try await CallThread.run(progress) {
            [handle, batch = try Tensor(images)] () throws(PixArtStorage.PixArtError) in
            Tensor(try handle.inThisProcess().encode(batch.stored, options.read()))
        }
    }

    /// The memory of the image encoder in a call, in bytes.
    public func memory(_ options: ImageEncoderMemoryOptions = ImageEncoderMemoryOptions()) throws(PixArtError) -> JSON {
        try handle.memoryReport(options)
    }

    /// Seconds and operations of each kind of work since the image encoder was opened.
    public var profile: JSON { JSON(handle.profile.json) }

    /// Files, precisions and instruction set that the image encoder was opened with.
    public var report: JSON { JSON(handle.report.json) }
}
