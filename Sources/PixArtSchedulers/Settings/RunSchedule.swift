/// How a run is laid out.
package struct RunSchedule: Sendable {
    /// Steps of the run; as many as `timesteps` or `sigmas` ask for where these are given.
    package let steps: Int
    /// Timesteps instead of those that the spacing gives, falling.
    package let timesteps: [Int]?
    /// Noise levels instead of those of the timesteps, the last one included, falling.
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
