/// The steps of a run.
package struct RunSchedule: Sendable {
    /// Number of steps; given by `timesteps` or `sigmas` if these are set.
    package let steps: Int
    /// Timesteps instead of those of the spacing, falling.
    package let timesteps: [Int]?
    /// Noise levels instead of those of the timesteps, including the last one, falling.
    package let sigmas: [Double]?
    /// How much noise DDIM and TCD add, from 0 to 1.
    package let eta: Double

    package init(steps: Int, timesteps: [Int]? = nil, sigmas: [Double]? = nil, eta: Double = 0) {
        self.steps = timesteps?.count ?? sigmas.map { max($0.count - 1, 1) } ?? steps
        self.timesteps = timesteps
        self.sigmas = sigmas
        self.eta = eta
    }
}
