internal import PixArtStages
internal import PixArtStorage

/// The third stage: latents to images, by the decoder of a VAE. Any number of tasks may use it at once.
public final class ImageDecoder: Sendable {
    private let handle: PixArtStages.Decoder

    /// Opens the decoder of a checkpoint, which `model` names as in `TextEncoder`. Fails with `.option`, `.file`,
    /// `.format`, `.model` and `.memory`.
    public init(
        model: String, options: DecoderOpenOptions = DecoderOpenOptions(), progress: ProgressHandler? = nil
    ) async throws {
        handle = try await CallThread.run(progress) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Decoder(model: withoutNUL(model, "model"), options.read())
        }
    }

    /// The images of latents, float32 [B, C, Y, X]. Fails with `.argument` if the latents have another shape.
    public func decode(
        _ latents: Tensor, options: DecodeOptions = DecodeOptions(), progress: ProgressHandler? = nil
    ) async throws -> [Image] {
        guard options.outputType != .float32 else {
            throw PixArtError(
                .option, "option \"output_type\" is \"float32\"; expected \"uint8\", or a call of decodeToTensor")
        }
        return try await decodeToTensor(latents, options: options, progress: progress).images()
    }

    /// The same as one tensor [B, H, W, 3]: uint8, or float32 from 0.0 to 1.0 if the options say so.
    public func decodeToTensor(
        _ latents: Tensor, options: DecodeOptions = DecodeOptions(), progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        try await CallThread.run(progress) { [handle] () throws(PixArtStorage.PixArtError) in
            Tensor(try handle.inThisProcess().decode(latents.stored, options.read()))
        }
    }

    /// The memory of the decoder in a call, in bytes.
    public func memory(_ options: DecoderMemoryOptions = DecoderMemoryOptions()) throws(PixArtError) -> JSON {
        try handle.memoryReport(options)
    }

    /// Seconds and operations of each kind of work since the decoder was opened.
    public var profile: JSON { JSON(handle.profile.json) }

    /// Files, precisions and instruction set that the decoder was opened with.
    public var report: JSON { JSON(handle.report.json) }
}
