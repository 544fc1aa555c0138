import PixArtNetworks
import PixArtStorage

/// Which predictions a step takes, and how they become one.
///
/// This implementation matches: classifier-free guidance of diffusers' `PixArtAlphaPipeline` and `PixArtSigmaPipeline`,
/// perturbed-attention guidance of `PixArtSigmaPAGPipeline`, and the intervals of diffusers' guiders.
/// Limitations: `pag_adaptive_scale` is as documented. With PixArt, diffusers passes a timestep for each item to its own
/// code, which fails.
struct Guidance: Sendable {
    /// The conditionings that the run needs, in the order of their items.
    let roles: [Conditioning.Role]
    /// Blocks in which perturbed predictions skip self-attention.
    let perturbedBlocks: Set<Int>
    /// Weight of the prompt over the negative.
    private let scale: Float
    /// The part of the run with classifier-free guidance, as fractions of its steps.
    private let interval: (start: Double, stop: Double)
    /// The first step with classifier-free guidance, if the interval does not start later.
    var firstStep = 0
    private let perturbedScale: Float
    private let perturbedAdaptiveScale: Float

    /// For a transformer of `blocks` blocks. Fails with `.option`.
    init(_ options: GuidanceOptions, blocks: Int) throws(PixArtError) {
        roles = Self.roles(options.scales)
        scale = Float(options.scales.classifierFree)
        interval = options.interval
        guard interval.start <= interval.stop else {
            throw .option(
                "option \"guidance_interval\" is [\(interval.start), \(interval.stop)], expected a start that is not above "
                    + "the stop")
        }
        perturbedScale = Float(options.scales.perturbed)
        perturbedAdaptiveScale = Float(options.perturbedAdaptiveScale)
        let layers = options.perturbedLayers
        if let layer = layers?.first(where: { $0 >= blocks }) {
            throw .option(
                "option \"pag_applied_layers\" has \(layer), expected blocks from 0 to \(blocks - 1) of the checkpoint")
        }
        perturbedBlocks = Set(layers ?? (0..<blocks).filter { "\($0)".hasPrefix("1") })
        guard perturbedScale == 0 || !perturbedBlocks.isEmpty else {
            throw .option(
                "option \"pag_applied_layers\" is null, expected blocks because the checkpoint has \(blocks), none of "
                    + "which is meant by default")
        }
    }

    /// The conditionings that a run with these scales needs, in the order of their items.
    static func roles(_ scales: GuidanceScales) -> [Conditioning.Role] {
        (scales.usesClassifierFree ? [.negative] : []) + [.prompt] + (scales.usesPerturbed ? [.perturbed] : [])
    }

    /// Whether a step of `steps` takes a prediction under a conditioning of the run.
    func uses(_ role: Conditioning.Role, step: Int, of steps: Int, timestep: Float) -> Bool {
        switch role {
        case .prompt: true
        case .negative:
            step >= firstStep
                && (Int(interval.start * Double(steps))..<Int(interval.stop * Double(steps))).contains(step)
        case .perturbed: perturbedWeight(timestep) > 0
        }
    }

    private func perturbedWeight(_ timestep: Float) -> Float {
        guard perturbedAdaptiveScale > 0 else { return perturbedScale }
        return max(perturbedScale - perturbedAdaptiveScale * (1000 - timestep), 0)
    }

    /// One prediction made of those of a step, all of one size.
    func combined(
        _ predictions: [(role: Conditioning.Role, latents: Latents)], timestep: Float
    ) -> Latents {
        func values(_ role: Conditioning.Role) -> [Float]? {
            predictions.first { $0.role == role }?.latents.values
        }
        guard let prompt = values(.prompt) else { preconditionFailure("a step without its prompt") }
        var result = prompt
        if let negative = values(.negative) { result = zip(negative, prompt).map { $0 + scale * ($1 - $0) } }
        if let perturbed = values(.perturbed) {
            let weight = perturbedWeight(timestep)
            for (index, pair) in zip(prompt, perturbed).enumerated() { result[index] += weight * (pair.0 - pair.1) }
        }
        return Latents(predictions[0].latents.shape, result)
    }
}
