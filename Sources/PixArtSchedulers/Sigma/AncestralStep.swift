/// A step between two noise levels that goes too far down, and adds noise up to the level that is aimed at.
struct AncestralStep: Sendable {
    /// The noise level to go down to.
    let down: Float
    /// The noise to add there.
    let up: Float

    init(from: Float, to: Float) {
        let (fromSquare, toSquare) = (from * from, to * to)
        up = (toSquare * (fromSquare - toSquare) / fromSquare).squareRoot()
        // At very high levels rounding can leave less than nothing of the difference: diffusers' root is not a number
        // there, and this is what it stands for.
        let rest = toSquare - up * up
        down = rest < 0 ? toSquare / from : rest.squareRoot()
    }
}
