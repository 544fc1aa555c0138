/// The four differential equations that DPM-Solver comes in.
package enum DPMSolverAlgorithm: String, CaseIterable, Sendable {
    /// Solves for the noise.
    case noise = "dpmsolver"
    /// Solves for the picture.
    case picture = "dpmsolver++"
    /// The same with noise added in each step.
    case stochasticNoise = "sde-dpmsolver"
    case stochasticPicture = "sde-dpmsolver++"

    var isStochastic: Bool { self == .stochasticNoise || self == .stochasticPicture }
    var predictsPicture: Bool { self == .picture || self == .stochasticPicture }

    /// What the solver follows, and the picture that it amounts to.
    func prediction(
        _ kind: Prediction, _ clipping: Clipping, _ output: [Float], _ sample: [Float], _ level: NoiseLevel, images: Int
    ) -> (prediction: [Float], original: [Float]) {
        if predictsPicture {
            let original = clipping(kind.original(output, sample, level), images: images)
            return (original, original)
        }
        let epsilon = kind.epsilon(output, sample, level)
        let original = clipping(Prediction.epsilon.original(epsilon, sample, level), images: images)
        return (clipping == .none ? epsilon : Prediction.epsilon(original: original, sample, level), original)
    }
}
