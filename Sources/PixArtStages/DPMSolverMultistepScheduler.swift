import Glibc
import PixArtCompute

/// DPM-Solver++ with several steps' predictions of the picture.
///
/// This implementation matches: diffusers' `DPMSolverMultistepScheduler` with `algorithm_type: "dpmsolver++"`,
/// `solver_order` 1 or 2, both solver types, the three timestep spacings, and epsilon, sample and v prediction.
/// Limitations: no order 3, stochastic variants, thresholding, or other noise schedules than the training one.
package struct DPMSolverMultistepScheduler: Scheduler {
    package struct Configuration: SchedulerConfiguration, Equatable {
        package enum Prediction: String, CaseIterable, Sendable { case epsilon, sample, velocity = "v_prediction" }
        package enum Spacing: String, CaseIterable, Sendable { case linspace, leading, trailing }
        package enum Solver: String, CaseIterable, Sendable { case midpoint, heun }
        package enum FinalSigma: String, CaseIterable, Sendable { case zero, smallest = "sigma_min" }

        package static let className = "DPMSolverMultistepScheduler"

        /// What the published checkpoints come with.
        package static let pixArt = Configuration(
            noise: .linear(start: 0.0001, end: 0.02, count: 1000), order: 2, solver: .midpoint, prediction: .epsilon,
            spacing: .linspace, stepsOffset: 0, lowerOrderFinal: true, eulerAtFinal: false, finalSigma: .zero)

        package var noise: NoiseSchedule
        package var order: Int
        package var solver: Solver
        package var prediction: Prediction
        package var spacing: Spacing
        package var stepsOffset: Int
        package var lowerOrderFinal: Bool
        package var eulerAtFinal: Bool
        package var finalSigma: FinalSigma

        package var trainingTimesteps: Int { noise.alphasCumulative.count }

        package func scheduler(steps: Int) -> any Scheduler { DPMSolverMultistepScheduler(self, steps: steps) }
    }

    private let configuration: Configuration
    package let timesteps: [Float]
    package let initialNoiseSigma: Float = 1
    /// One for each timestep, and the one that the last step ends at.
    private let sigmas: [Float]
    private var index = 0
    /// The last step's prediction of the picture.
    private var previous: [Float]?

    package init(_ configuration: Configuration, steps: Int) {
        self.configuration = configuration
        let training = configuration.noise.sigmas
        let last = training.count
        let count = Double(steps)
        let times: [Int]
        switch configuration.spacing {
        case .linspace:
            let step = Double(last - 1) / count
            times = (1...steps).reversed().map {
                $0 == steps ? last - 1 : Int((Double($0) * step).rounded(.toNearestOrEven))
            }
        case .leading:
            let ratio = last / (steps + 1)
            times = (1...steps).reversed().map { $0 * ratio + configuration.stepsOffset }
        case .trailing:
            // numpy.arange(last, 0, -ratio): as many as it makes, at the distance that it makes of the first two.
            let ratio = Double(last) / count
            let distance = (Double(last) - ratio) - Double(last)
            times = (0..<Int((Double(last) / ratio).rounded(.up))).map {
                Int((Double(last) + Double($0) * distance).rounded(.toNearestOrEven)) - 1
            }
        }
        timesteps = times.map { Float($0) }
        let final = configuration.finalSigma == .zero ? 0 : training[0]
        sigmas = times.map { training[min(max($0, 0), last - 1)] } + [final]
    }

    /// Weights of picture and noise at a sigma: alpha, sigma.
    private static func weights(_ sigma: Float) -> (alpha: Float, sigma: Float) {
        let alpha = 1 / (sigma * sigma + 1).squareRoot()
        return (alpha, sigma * alpha)
    }

    package mutating func step(output: [Float], sample: [Float]) -> [Float] {
        let picture = predictedPicture(output: output, sample: sample)
        let isLast = index == timesteps.count - 1
        let lowerFinal =
            isLast
            && (configuration.eulerAtFinal || configuration.finalSigma == .zero
                || configuration.lowerOrderFinal && timesteps.count < 15)
        let next: [Float]
        if let previous, configuration.order == 2, !lowerFinal {
            next = secondOrder(picture, previous, sample)
        } else {
            next = firstOrder(picture, sample)
        }
        previous = picture
        index += 1
        return next
    }

    private func predictedPicture(output: [Float], sample: [Float]) -> [Float] {
        let (alpha, sigma) = Self.weights(sigmas[index])
        return zip(sample, output).map { sample, output in
            switch configuration.prediction {
            case .epsilon: (sample - sigma * output) / alpha
            case .sample: output
            case .velocity: alpha * sample - sigma * output
            }
        }
    }

    private func firstOrder(_ picture: [Float], _ sample: [Float]) -> [Float] {
        let (from, to) = (Self.weights(sigmas[index]), Self.weights(sigmas[index + 1]))
        let h = (logf(to.alpha) - logf(to.sigma)) - (logf(from.alpha) - logf(from.sigma))
        let (keep, add) = (to.sigma / from.sigma, to.alpha * (expf(-h) - 1))
        return zip(sample, picture).map { keep * $0 - add * $1 }
    }

    private func secondOrder(_ picture: [Float], _ previous: [Float], _ sample: [Float]) -> [Float] {
        let (before, from) = (Self.weights(sigmas[index - 1]), Self.weights(sigmas[index]))
        let to = Self.weights(sigmas[index + 1])
        func lambda(_ weights: (alpha: Float, sigma: Float)) -> Float { logf(weights.alpha) - logf(weights.sigma) }
        let (h, hBefore) = (lambda(to) - lambda(from), lambda(from) - lambda(before))
        let ratio = 1 / (hBefore / h)
        let (keep, add) = (to.sigma / from.sigma, to.alpha * (expf(-h) - 1))
        let addSlope =
            configuration.solver == .midpoint ? 0.5 * add : -(to.alpha * ((expf(-h) - 1) / h + 1))
        return zip(sample, zip(picture, previous)).map { sample, pictures in
            let slope = ratio * (pictures.0 - pictures.1)
            return keep * sample - add * pictures.0 - addSlope * slope
        }
    }
}
