internal import PixArtStages
internal import PixArtStorage

/// What a run is after one of its steps.
public struct Step: Sendable {
    /// The number of the step, from 1 to `steps`.
    public let number: Int
    public let steps: Int
    /// The latents after the step, float32 [B, C, Y, X].
    public let latents: Tensor
    /// The latents without noise that the step predicted, float32 [B, C, Y, X], which `ImageDecoder` takes.
    public let predictedOriginal: Tensor

    private let small: Result<PixArtStorage.Tensor, PixArtStorage.PixArtError>

    init(_ sampler: PixArtStages.Sampler) throws(PixArtStorage.PixArtError) {
        (number, steps) = (sampler.stepIndex, sampler.steps)
        latents = Tensor(try sampler.latents())
        predictedOriginal = Tensor(try sampler.predictedOriginal())
        small = Result { () throws(PixArtStorage.PixArtError) in
            try sampler.preview(PixArtStages.SamplerPreviewOptions(json: nil))
        }
    }

    /// The predicted original as small images, one for each image of the batch, with a pixel for each latent. Fails with
    /// `.option` if no map from latents to colours is known.
    public var preview: [Image] {
        get throws(PixArtError) {
            try Tensor(translatingErrors { () throws(PixArtStorage.PixArtError) in try small.get() }).images()
        }
    }
}

/// The steps of a run. A step is computed when a loop asks for it, and not before.
public struct Steps: AsyncSequence, Sendable {
    public typealias Element = Step

    private let progress: ProgressHandler?
    private let start: @Sendable () async throws -> Sampler

    init(_ progress: ProgressHandler?, _ start: @escaping @Sendable () async throws -> Sampler) {
        self.progress = progress
        self.start = start
    }

    public func makeAsyncIterator() -> Iterator { Iterator(progress: progress, start: start) }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate let progress: ProgressHandler?
        fileprivate let start: @Sendable () async throws -> Sampler
        private var sampler: Sampler?

        fileprivate init(progress: ProgressHandler?, start: @escaping @Sendable () async throws -> Sampler) {
            self.progress = progress
            self.start = start
        }

        /// The next step, or nil after the last. Throws `CancellationError` if the task is cancelled.
        public mutating func next() async throws -> Step? {
            let sampler = if let sampler { sampler } else { try await start() }
            self.sampler = sampler
            guard sampler.stepIndex < sampler.steps else { return nil }
            return try await sampler.step(progress: progress)
        }
    }
}
