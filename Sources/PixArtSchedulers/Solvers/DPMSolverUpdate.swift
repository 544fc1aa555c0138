/// Weights of what a step from one noise level to another adds up, in diffusers' arithmetic.
struct DPMSolverUpdate {
    private let algorithm: DPMSolverAlgorithm
    private let from: NoiseLevel
    private let to: NoiseLevel
    private let h: Float

    init(_ algorithm: DPMSolverAlgorithm, from: NoiseLevel, to: NoiseLevel) {
        self.algorithm = algorithm
        self.from = from
        self.to = to
        h = to.lambda - from.lambda
    }

    /// Of the latents.
    var sample: Float {
        switch algorithm {
        case .picture: to.sigma / from.sigma
        case .stochasticPicture: to.sigma / from.sigma * Float.exp(-h)
        case .noise, .stochasticNoise: to.alpha / from.alpha
        }
    }

    /// Of the prediction.
    var prediction: Float {
        switch algorithm {
        case .picture: -(to.alpha * (Float.exp(-h) - 1))
        case .noise: -(to.sigma * (Float.exp(h) - 1))
        case .stochasticPicture: to.alpha * (1 - Float.exp(-2 * h))
        case .stochasticNoise: -(2 * (to.sigma * (Float.exp(h) - 1)))
        }
    }

    /// Of its slope, by the midpoint rule.
    var midpointSlope: Float { 0.5 * prediction }

    /// Of its slope, exactly.
    var slope: Float {
        switch algorithm {
        case .picture: to.alpha * ((Float.exp(-h) - 1) / h + 1)
        case .noise: -(to.sigma * ((Float.exp(h) - 1) / h - 1))
        case .stochasticPicture: to.alpha * ((1 - Float.exp(-2 * h)) / (-2 * h) + 1)
        case .stochasticNoise: -(2 * (to.sigma * ((Float.exp(h) - 1) / h - 1)))
        }
    }

    /// Of its curvature.
    var curvature: Float {
        switch algorithm {
        case .picture: -(to.alpha * ((Float.exp(-h) - 1 + h) / (h * h) - 0.5))
        case .noise: -(to.sigma * ((Float.exp(h) - 1 - h) / (h * h) - 0.5))
        case .stochasticPicture: to.alpha * ((1 - Float.exp(-2 * h) - 2 * h) / (2 * h * (2 * h)) - 0.5)
        case .stochasticNoise: preconditionFailure("sde-dpmsolver has no third order")
        }
    }

    /// Of fresh noise.
    var noise: Float {
        switch algorithm {
        case .picture, .noise: 0
        case .stochasticPicture: to.sigma * (1 - Float.exp(-2 * h)).squareRoot()
        case .stochasticNoise: to.sigma * (Float.exp(2 * h) - 1).squareRoot()
        }
    }
}
