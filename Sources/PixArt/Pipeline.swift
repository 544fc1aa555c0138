internal import PixArtStages
internal import PixArtStorage

/// All stages of a model: text to image in one call.
///
///     let image = try await Pipeline(model: "models/emoji").generate(prompt: "a cute cat face")
///     try image.write(to: "cat.png")
///
/// A stage is opened when it is first needed, and kept for the next call. With `oneStageAtATime`, each is released before
/// the next one opens, so the most memory is that of one stage. Calls from several tasks take turns.
public final class Pipeline: Sendable {
    /// What a call of `generate` does at the moment.
    public enum Phase: String, CaseIterable, Hashable, Sendable {
        case openingTextEncoder, encoding, openingImageEncoder, encodingImages, openingDenoiser, denoising
        case openingImageDecoder, decoding
    }

    /// Called many times during a call, with the progress of the phase. It runs on the thread of the call.
    public typealias PhaseHandler = @Sendable (Phase, StepProgress) -> Void

    private let configuration: Configuration
    private let stages = Turns(OpenStages())

    /// How the stages are opened.
    struct Configuration: Sendable {
        let model: String
        let preset: Preset?
        let textEncoder: EncoderOpenOptions
        let denoiser: DenoiserOpenOptions
        let imageDecoder: DecoderOpenOptions
        let imageEncoder: ImageEncoderOpenOptions
        let oneStageAtATime: Bool
    }

    /// - Parameters:
    ///   - model: What `TextEncoder` takes. It is opened by the first call that needs it.
    ///   - preset: The preset of every stage and run whose options do not give one: `.fast` is faster and less exact.
    ///   - oneStageAtATime: Whether to release each stage before the next one opens.
    public init(
        model: String, preset: Preset? = nil, textEncoder: EncoderOpenOptions = EncoderOpenOptions(),
        denoiser: DenoiserOpenOptions = DenoiserOpenOptions(), imageDecoder: DecoderOpenOptions = DecoderOpenOptions(),
        imageEncoder: ImageEncoderOpenOptions = ImageEncoderOpenOptions(), oneStageAtATime: Bool = false
    ) {
        configuration = Configuration(
            model: model, preset: preset, textEncoder: textEncoder, denoiser: denoiser, imageDecoder: imageDecoder,
            imageEncoder: imageEncoder, oneStageAtATime: oneStageAtATime)
    }

    /// Makes the image of a prompt.
    ///
    /// - Parameters:
    ///   - negativePrompt: What the image should not show.
    ///   - seed: The seed of the noise; that of the options if it is nil.
    ///   - image: An image to start from, of the run's size. The option `strength` says how far the run departs from it.
    ///   - mask: Where the image is regenerated: uint8 [height, width], 128 or more.
    ///   - control: A control image, if the denoiser is opened with a ControlNet.
    ///   - options: The options of the run, such as its size and number of steps.
    ///
    /// Fails with every status, and throws `CancellationError` if the task is cancelled.
    public func generate(
        prompt: String, negativePrompt: String = "", seed: Seed? = nil, image: Image? = nil, mask: Tensor? = nil,
        control: Image? = nil, options: DenoiseOptions = DenoiseOptions(), progress: PhaseHandler? = nil
    ) async throws -> Image {
        let images = try await generate(
            prompts: [prompt], negativePrompt: negativePrompt, seed: seed, image: image, mask: mask, control: control,
            options: options, progress: progress)
        guard images.count == 1, let image = images.first else {
            throw PixArtError(
                .option,
                "option \"num_images_per_prompt\" is \(images.count); expected 1, or a call of generate(prompts:) for more"
            )
        }
        return image
    }

    /// Makes the images of many prompts in one run, those of the first prompt first. Parameters are those of
    /// `generate(prompt:)`.
    public func generate(
        prompts: [String], negativePrompt: String = "", seed: Seed? = nil, image: Image? = nil, mask: Tensor? = nil,
        control: Image? = nil, options: DenoiseOptions = DenoiseOptions(), progress: PhaseHandler? = nil
    ) async throws -> [Image] {
        guard (1...256).contains(prompts.count) else {
            throw PixArtError(.argument, "there are \(prompts.count) prompts; expected 1 to 256")
        }
        var options = options
        options.seed = seed ?? options.seed
        options.preset = options.preset ?? configuration.preset
        let request = ImageRequest(
            prompts: prompts, negativePrompt: negativePrompt, image: image, mask: mask, control: control,
            options: options)
        let images = try await CallThread.run {
            [stages, configuration] cancellation throws(PixArtStorage.PixArtError) in
            try cancellation.reporting(nil) { () throws(PixArtStorage.PixArtError) in
                try stages.take { stages throws(PixArtStorage.PixArtError) in
                    defer { if configuration.oneStageAtATime { stages = OpenStages() } }
                    let call = PipelineCall(request, configuration, cancellation, progress)
                    return Tensor(try call.run(&stages))
                }
            }
        }
        return try images.images()
    }

    /// Releases the stages that are open. The next call opens them again.
    public func close() async throws {
        try await CallThread.run { [stages] () throws(PixArtStorage.PixArtError) in
            try stages.take { $0 = OpenStages() }
        }
    }
}
