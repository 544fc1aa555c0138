/// One step of DPM2: where it starts, the level between at which it looks again, where it ends, and the noise added
/// then.
struct KDPM2Step: Sendable {
    let from: Float
    let between: Float
    let to: Float
    let noise: Float

    /// The mean of two levels by their logarithms, as `torch.lerp` takes it.
    static func mean(_ first: Float, _ second: Float) -> Float {
        let (start, end) = (Float.log(first), Float.log(second))
        return .exp(end - (end - start) * 0.5)
    }
}
