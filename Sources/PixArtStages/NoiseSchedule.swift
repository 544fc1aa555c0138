/// How much noise each training timestep holds: `betas` of a scheduler's configuration and what follows from them.
package struct NoiseSchedule: Sendable, Equatable {
    /// The product of (1 - beta) up to each timestep, falling from nearly 1 to nearly 0.
    package let alphasCumulative: [Float]

    /// Betas from `start` to `end` in equal steps, in PyTorch's float32 arithmetic.
    package static func linear(start: Double, end: Double, count: Int) -> NoiseSchedule {
        NoiseSchedule(betas: linspace(Float(start), Float(end), count))
    }

    /// Betas whose square roots are in equal steps.
    package static func scaledLinear(start: Double, end: Double, count: Int) -> NoiseSchedule {
        NoiseSchedule(
            betas: linspace(Float(start.squareRoot()), Float(end.squareRoot()), count).map { $0 * $0 })
    }

    /// The products are taken in double and rounded one by one, as `torch.cumprod` does.
    package init(betas: [Float]) {
        var product = 1.0
        alphasCumulative = betas.map { beta in
            product *= Double(1 - beta)
            return Float(product)
        }
    }

    /// Noise in units of the picture: sqrt((1 - a) / a) for each timestep.
    package var sigmas: [Float] { alphasCumulative.map { ((1 - $0) / $0).squareRoot() } }

    /// `torch.linspace` in float32: counted from both ends towards the middle, with fused operations.
    private static func linspace(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { index in
            index < count / 2
                ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - 1 - index))
        }
    }
}
