/// A step between two noise levels that goes below the target and adds noise to reach it.
struct AncestralStep: Sendable {
    /// The noise level that the step goes down to.
    let down: Float
    /// The noise that is added there.
    let up: Float

    init(from: Float, to: Float) {
        let (fromSquare, toSquare) = (from * from, to * to)
        up = (toSquare * (fromSquare - toSquare) / fromSquare).squareRoot()
        // At very high levels rounding can make the difference negative. diffusers' root is NaN then; it means
        // this.
        let rest = toSquare - up * up
        down = rest < 0 ? toSquare / from : rest.squareRoot()
    }
}
