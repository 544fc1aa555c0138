internal import PixArtStages
internal import PixArtStorage

/// What a call of a pipeline is asked for.
struct ImageRequest: Sendable {
    let prompts: [String]
    let negativePrompt: String
    let image: Image?
    let mask: Tensor?
    let control: Image?
    let options: DenoiseOptions
}

/// The stages that a pipeline keeps.
struct OpenStages {
    var textEncoder: PixArtStages.Encoder?
    var imageEncoder: PixArtStages.ImageEncoder?
    var denoiser: PixArtStages.Denoiser?
    var imageDecoder: PixArtStages.Decoder?
}

/// One call of a pipeline: the stages in turn, each with its own progress.
struct PipelineCall {
    private let request: ImageRequest
    private let configuration: Pipeline.Configuration
    private let cancellation: Cancellation
    private let progress: Pipeline.PhaseHandler?

    init(
        _ request: ImageRequest, _ configuration: Pipeline.Configuration, _ cancellation: Cancellation,
        _ progress: Pipeline.PhaseHandler?
    ) {
        (self.request, self.configuration) = (request, configuration)
        (self.cancellation, self.progress) = (cancellation, progress)
    }

    /// The images, uint8 [B, H, W, 3].
    func run(_ stages: inout OpenStages) throws(PixArtStorage.PixArtError) -> PixArtStorage.Tensor {
        // Options are checked before weights are read.
        let options: PixArtStages.DenoiseOptions = try request.options.read()
        let batch = try embeddings(&stages, needsNegative: options.guidance.scales.classifierFree > 1)
        let image = try latents(request.image, &stages)
        let control = try latents(request.control, &stages)
        if configuration.oneStageAtATime { stages.imageEncoder = nil }

        let latents = try denoised(batch, image: image, control: control, options, &stages)
        return try decoded(latents, &stages)
    }

    // MARK: Stages

    private func embeddings(
        _ stages: inout OpenStages, needsNegative: Bool
    ) throws(PixArtStorage.PixArtError) -> PromptBatch {
        defer { if configuration.oneStageAtATime { stages.textEncoder = nil } }
        let encoder = try opened(&stages.textEncoder, .openingTextEncoder) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Encoder(model: model(), withPreset(configuration.textEncoder).read())
        }
        var known: [String: PixArtStorage.Tensor] = [:]
        func embedding(_ prompt: String) throws(PixArtStorage.PixArtError) -> PixArtStorage.Tensor {
            if let embedding = known[prompt] { return embedding }
            let embedding = try during(.encoding) { () throws(PixArtStorage.PixArtError) in
                try encoder.encode(prompt, withPreset(EncodeOptions()).read())
            }
            known[prompt] = embedding
            return embedding
        }
        var prompts: [PixArtStorage.Tensor] = []
        for prompt in request.prompts { prompts.append(try embedding(prompt)) }
        guard needsNegative else { return PromptBatch(prompts: prompts, negatives: nil) }
        let negative = try embedding(request.negativePrompt)
        return PromptBatch(prompts: prompts, negatives: prompts.map { _ in negative })
    }

    /// The latents of an image, if there is one.
    private func latents(
        _ image: Image?, _ stages: inout OpenStages
    ) throws(PixArtStorage.PixArtError) -> PixArtStorage.Tensor? {
        guard let image else { return nil }
        let encoder = try opened(&stages.imageEncoder, .openingImageEncoder) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.ImageEncoder(model: model(), withPreset(configuration.imageEncoder).read())
        }
        return try during(.encodingImages) { () throws(PixArtStorage.PixArtError) in
            try encoder.encode(image.tensor, withPreset(ImageEncodeOptions()).read())
        }
    }

    private func denoised(
        _ batch: PromptBatch, image: PixArtStorage.Tensor?, control: PixArtStorage.Tensor?,
        _ options: PixArtStages.DenoiseOptions, _ stages: inout OpenStages
    ) throws(PixArtStorage.PixArtError) -> PixArtStorage.Tensor {
        defer { if configuration.oneStageAtATime { stages.denoiser = nil } }
        let denoiser = try opened(&stages.denoiser, .openingDenoiser) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Denoiser(model: model(), withPreset(configuration.denoiser).read())
        }
        return try during(.denoising) { () throws(PixArtStorage.PixArtError) in
            let sampler = try PixArtStages.Sampler(denoiser, batch, options)
            if let image { try sampler.setImage(image) }
            if let mask = request.mask { try sampler.setMask(mask.stored) }
            if let control { try sampler.setControl(control) }
            while sampler.stepIndex < sampler.steps { try sampler.step() }
            return try sampler.latents()
        }
    }

    private func decoded(
        _ latents: PixArtStorage.Tensor, _ stages: inout OpenStages
    ) throws(PixArtStorage.PixArtError) -> PixArtStorage.Tensor {
        let decoder = try opened(&stages.imageDecoder, .openingImageDecoder) { () throws(PixArtStorage.PixArtError) in
            try PixArtStages.Decoder(model: model(), withPreset(configuration.imageDecoder).read())
        }
        var options = withPreset(DecodeOptions())
        // With resolution bins, the latents can be of another size than the one that is asked for.
        if let height = request.options["height"], let width = request.options["width"] {
            options.members["height"] = height
            options.members["width"] = width
        }
        return try during(.decoding) { [options] () throws(PixArtStorage.PixArtError) in
            try decoder.decode(latents, options.read())
        }
    }

    // MARK: How

    private func model() throws(PixArtStorage.PixArtError) -> String { try withoutNUL(configuration.model, "model") }

    /// The stage that is open, or that `open` opens.
    private func opened<Stage: StageHandle>(
        _ stage: inout Stage?, _ phase: Pipeline.Phase, _ open: () throws(PixArtStorage.PixArtError) -> Stage
    ) throws(PixArtStorage.PixArtError) -> Stage {
        if let stage { return try stage.inThisProcess() }
        let opened = try during(phase, open)
        stage = opened
        return opened
    }

    private func during<Result>(
        _ phase: Pipeline.Phase, _ body: () throws(PixArtStorage.PixArtError) -> Result
    ) throws(PixArtStorage.PixArtError) -> Result {
        guard let progress else { return try cancellation.reporting(nil, body) }
        return try cancellation.reporting({ progress(phase, $0) }, body)
    }

    private func withPreset<Options: CallOptions>(_ options: Options) -> Options {
        var options = options
        if options["preset"] == nil, let preset = configuration.preset { options["preset"] = preset.option }
        return options
    }
}
