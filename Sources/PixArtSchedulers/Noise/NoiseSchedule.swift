import Glibc
import PixArtStorage

/// The noise at each training timestep: the `betas` of a scheduler's configuration, and values derived from them.
package struct NoiseSchedule: Sendable, Equatable {
    package enum Betas: String, Sendable {
        case linear
        case scaledLinear = "scaled_linear"
        case cosine = "squaredcos_cap_v2"
        case sigmoid, laplace
        case exponential = "exp"
    }

    /// The cumulative product of (1 - beta) at each timestep, falling from nearly 1 to nearly 0.
    package private(set) var alphasCumulative: [Float]

    /// From the fields of `SchedulerFields.noise`, and `rescale_betas_zero_snr` if `rescales`. `floor` protects
    /// schedulers that divide by the last product from a division by 0. Fails if the number of `trained_betas` is
    /// not the number of timesteps.
    init(_ settings: SchedulerOptions, rescales: Bool = false, floor: Bool = false) throws(PixArtError) {
        let count = try settings.integer("num_train_timesteps")
        let rescales = rescales ? try settings.boolean("rescale_betas_zero_snr") : false
        let betas = try settings.numbers("trained_betas").map { $0.map { Float($0) } }
        guard betas.map({ $0.count == count }) ?? true else {
            throw settings.conflict("trained_betas", expected: "num_train_timesteps (\(count)) numbers")
        }
        let schedule: Betas = try settings.choice("beta_schedule")
        let (start, end) = (try settings.number("beta_start"), try settings.number("beta_end"))
        let values = betas ?? Self.betas(schedule, start, end, count)
        self.init(betas: rescales ? Self.rescaled(values) : values)
        if rescales, floor { alphasCumulative[alphasCumulative.count - 1] = 0x1p-24 }
    }

    /// Products are computed in double and rounded one by one, as in `torch.cumprod`.
    package init(betas: [Float]) {
        var product = 1.0
        alphasCumulative = betas.map { beta in
            product *= Double(1 - beta)
            return Float(product)
        }
    }

    package var count: Int { alphasCumulative.count }

    /// The cumulative product at a timestep. Negative timesteps count from the end, as in Python.
    func alphaCumulative(_ timestep: Int) -> Float { alphasCumulative[timestep < 0 ? timestep + count : timestep] }

    /// Weights of image and noise at a timestep.
    func level(_ timestep: Int) -> NoiseLevel { NoiseLevel(alphaCumulative: alphaCumulative(timestep)) }

    /// The noise relative to the image: sqrt((1 - a) / a) for each timestep.
    package var sigmas: [Float] { alphasCumulative.map { ((1 - $0) / $0).squareRoot() } }

    /// Timesteps whose half log of the signal-to-noise ratio is at least `minimum`.
    func timesteps(above minimum: Double) -> Int {
        count - alphasCumulative.count(where: { Double(NoiseLevel(alphaCumulative: $0).lambda) < minimum })
    }

    /// Betas in PyTorch's float32 arithmetic.
    private static func betas(_ schedule: Betas, _ start: Double, _ end: Double, _ count: Int) -> [Float] {
        switch schedule {
        case .linear: linspace(Float(start), Float(end), count)
        case .scaledLinear: linspace(Float(start.squareRoot()), Float(end.squareRoot()), count).map { $0 * $0 }
        case .sigmoid:
            linspace(-6, 6, count).map { 1 / (1 + .exp(-$0)) * Float(end - start) + Float(start) }
        case .cosine:
            betas(count) { time in
                let value = cos((time + 0.008) / 1.008 * Double.pi / 2)
                return value * value
            }
        case .exponential: betas(count) { exp($0 * -12) }
        case .laplace:
            betas(count) { time in
                let lambda = -0.5 * copysign(1, 0.5 - time) * log(1 - 2 * abs(0.5 - time) + 1e-6)
                let ratio = exp(lambda)
                return (ratio / (1 + ratio)).squareRoot()
            }
        }
    }

    /// Betas whose cumulative products follow a curve.
    private static func betas(_ count: Int, _ curve: (Double) -> Double) -> [Float] {
        (0..<count).map { index in
            let (from, to) = (Double(index) / Double(count), Double(index + 1) / Double(count))
            return Float(min(1 - curve(to) / curve(from), 0.999))
        }
    }

    /// Betas with a last cumulative product of 0.
    private static func rescaled(_ betas: [Float]) -> [Float] {
        let roots = NoiseSchedule(betas: betas).alphasCumulative.map { $0.squareRoot() }
        let (first, last) = (roots[0], roots[roots.count - 1])
        let scale = first / (first - last)
        let products = roots.map { root -> Float in
            let scaled = (root - last) * scale
            return scaled * scaled
        }
        return products.indices.map { 1 - ($0 == 0 ? products[0] : products[$0] / products[$0 - 1]) }
    }

    /// `torch.linspace` in float32: computed from both ends towards the middle, with fused multiply-add.
    static func linspace(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
        guard count > 1 else { return [start] }
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { index in
            index < count / 2
                ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - 1 - index))
        }
    }
}
