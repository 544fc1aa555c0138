import Glibc
import PixArtStorage

/// The noise level at the end of a run's last step.
package enum FinalSigma: String, CaseIterable, Sendable { case zero, smallest = "sigma_min" }

/// The spacing of noise levels between the largest and the smallest one of a run.
package enum SigmaSpacing: String, CaseIterable, Sendable {
    case timesteps
    case karras = "use_karras_sigmas"
    case exponential = "use_exponential_sigmas"
    case beta = "use_beta_sigmas"
    case lu = "use_lu_lambdas"

    /// From the fields of `SchedulerFields.sigmaSpacings`, and `use_lu_lambdas` if `hasLu`.
    init(_ settings: SchedulerOptions, hasLu: Bool = false) throws(PixArtError) {
        var chosen: [SigmaSpacing] = []
        for spacing in [Self.karras, .exponential, .beta] where try settings.boolean(spacing.rawValue) {
            chosen.append(spacing)
        }
        guard chosen.count < 2 else {
            throw settings.conflict(chosen[1].rawValue, expected: "false if \"\(chosen[0].rawValue)\" is true")
        }
        self = chosen.first ?? .timesteps
        guard hasLu, try settings.boolean(Self.lu.rawValue) else { return }
        // diffusers checks Karras first, and lambdas before the others.
        if self != .karras { self = .lu }
    }

    /// Fails if a run sets its timesteps although noise levels do not depend on them.
    func requireNone(_ timesteps: [Int]?) throws(PixArtError) {
        guard self == .timesteps || timesteps == nil else {
            throw .option("option \"timesteps\" is set; expected null with the scheduler's \"\(rawValue)\"")
        }
    }

    /// Falling noise levels. Not for `.timesteps`.
    func sigmas(from maximum: Double, to minimum: Double, _ count: Int) -> [Double] {
        switch self {
        case .timesteps: preconditionFailure("the noise levels of timesteps are the schedule's")
        case .karras: return Self.karras(TimestepSpacing.linspace(0, 1, count), from: maximum, to: minimum, rho: 7)
        case .exponential: return TimestepSpacing.linspace(log(maximum), log(minimum), count).map { exp($0) }
        case .beta:
            return TimestepSpacing.linspace(0, 1, count).map {
                minimum + BetaDistribution.quantile(1 - $0, shape: 0.6) * (maximum - minimum)
            }
        case .lu:
            let (first, last) = (log(maximum), log(minimum))
            return TimestepSpacing.linspace(0, 1, count).map { exp(first + $0 * (last - first)) }
        }
    }

    /// Noise levels at positions from 0 (the largest) to 1.
    static func karras(_ places: [Double], from maximum: Double, to minimum: Double, rho: Double) -> [Double] {
        let (first, last) = (pow(maximum, 1 / rho), pow(minimum, 1 / rho))
        return places.map { pow(first + $0 * (last - first), rho) }
    }
}

/// The noise levels of training, rising, and the timesteps of levels between them.
struct TrainedSigmas: Sendable {
    let sigmas: [Float]
    private let logarithms: [Double]

    init(_ schedule: NoiseSchedule) {
        sigmas = schedule.sigmas
        logarithms = sigmas.map { Double(Float.log($0)) }
    }

    var smallest: Float { sigmas[0] }
    var largest: Float { sigmas[sigmas.count - 1] }

    /// The noise level of a fractional timestep.
    func sigma(at timestep: Double) -> Double {
        let last = sigmas.count - 1
        guard timestep > 0 else { return Double(sigmas[0]) }
        guard timestep < Double(last) else { return Double(sigmas[last]) }
        let low = Int(timestep)
        let (from, to) = (Double(sigmas[low]), Double(sigmas[low + 1]))
        return (to - from) * (timestep - Double(low)) + from
    }

    /// The fractional timestep of a noise level, interpolated by its logarithm.
    func timestep(of sigma: Double) -> Double {
        let logarithm = log(max(sigma, 1e-10))
        let low = index(of: logarithm)
        let weight = (logarithms[low] - logarithm) / (logarithms[low] - logarithms[low + 1])
        return Self.mean(low, weight)
    }

    /// The same in float32, as in diffusers for float32 levels.
    func timestep(of sigma: Float) -> Double {
        let logarithm = Float.log(max(sigma, 1e-10))
        let low = index(of: Double(logarithm))
        let (from, to) = (Float(logarithms[low]), Float(logarithms[low + 1]))
        return Self.mean(low, Double((from - logarithm) / (from - to)))
    }

    /// The last training level, except the largest one, whose logarithm is not above this one; else the first.
    private func index(of logarithm: Double) -> Int {
        var (low, high) = (0, logarithms.count)
        while low + 1 < high {
            let middle = (low + high) / 2
            if logarithms[middle] <= logarithm { low = middle } else { high = middle }
        }
        return min(low, logarithms.count - 2)
    }

    private static func mean(_ low: Int, _ weight: Double) -> Double {
        let share = min(max(weight, 0), 1)
        return (1 - share) * Double(low) + share * Double(low + 1)
    }
}

/// The symmetric beta distribution.
enum BetaDistribution {
    /// The quantile of the distribution with shape (shape, shape) at `probability`.
    static func quantile(_ probability: Double, shape: Double) -> Double {
        if probability <= 0 { return 0 }
        if probability >= 1 { return 1 }
        // The lower half is computed with all digits; the upper half mirrors it.
        if probability > 0.5 { return 1 - quantile(1 - probability, shape: shape) }
        var (low, high) = (0.0, 0.5)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if middle == low || middle == high { break }
            if cumulative(middle, shape) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The regularized incomplete beta function for x from 0 to 0.5, by its continued fraction (Lentz's method).
    private static func cumulative(_ x: Double, _ shape: Double) -> Double {
        let logarithm = lgamma(2 * shape) - 2 * lgamma(shape) + shape * (log(x) + log1p(-x))
        let tiny = 1e-300
        var c = 1.0
        var d = 1 / (1 - 2 * shape * x / (shape + 1))
        var fraction = d
        for step in 1...500 {
            let m = Double(step)
            for numerator in [
                m * (shape - m) * x / ((shape + 2 * m - 1) * (shape + 2 * m)),
                -(shape + m) * (2 * shape + m) * x / ((shape + 2 * m) * (shape + 2 * m + 1)),
            ] {
                d = 1 + numerator * d
                d = 1 / (abs(d) < tiny ? tiny : d)
                c = 1 + numerator / c
                if abs(c) < tiny { c = tiny }
                fraction *= d * c
            }
            if abs(d * c - 1) < 1e-16 { break }
        }
        return exp(logarithm) * fraction / shape
    }
}
