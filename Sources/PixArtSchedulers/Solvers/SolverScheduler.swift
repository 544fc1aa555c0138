/// A scheduler that follows the logarithm of signal over noise: DPM-Solver, DEIS, UniPC and SA.
protocol SolverScheduler: IndexedScheduler {
    /// Noise in units of the picture: at each timestep, and where the last step ends.
    var sigmas: [Float] { get }
}

extension SolverScheduler {
    func level(_ index: Int) -> NoiseLevel { NoiseLevel(sigmas[index]) }

    /// Half the logarithm of signal over noise.
    func lambda(_ index: Int) -> Float { level(index).lambda }

    package func noised(_ original: [Float], by noise: [Float], at index: Int) -> [Float] {
        level(index).noised(original, by: noise)
    }
}
