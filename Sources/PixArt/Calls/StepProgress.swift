/// How far a call is.
public struct StepProgress: Hashable, Sendable {
    /// Steps done so far, 0 to `steps`. A step of an open or a conversion is a tensor, of a denoising run a denoising
    /// step, of decoding or encoding images an image, of encoding text the prompt.
    public let step: Int
    /// Steps of the whole call; 1 until they are known.
    public let steps: Int
    /// Share of the whole call that is done, 0.0 to 1.0, never falling.
    public let fraction: Double
}

/// Called many times during a call: whenever a part of the work is done, and about every 30 milliseconds in between. It
/// runs on the thread of the call, so the call waits for it.
public typealias ProgressHandler = @Sendable (StepProgress) -> Void
