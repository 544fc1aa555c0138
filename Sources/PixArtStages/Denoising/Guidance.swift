import PixArtNetworks
import PixArtStorage

/// Which predictions a step takes, and how they become one.
///
/// This implementation matches: classifier-free guidance of diffusers' `PixArtAlphaPipeline` and `PixArtSigmaPipeline`,
/// perturbed-attention guidance of `PixArtSigmaPAGPipeline`, and the intervals of diffusers' guiders.
/// Limitations: `pag_adaptive_scale` as it is documented; with PixArt, diffusers hands its own code a timestep for each
/// item, and that fails.
struct Guidance: Sendable {
    /// A prediction for all images of the batch.
    enum Pass: Sendable {
        /// Under what to steer away from.
        case negative
        /// Under the prompt.
        case positive
        /// Under the prompt, without self-attention in some blocks.
        case perturbed
    }

    /// Weight of the prompt over the negative; nil where there is no classifier-free guidance.
    private let scale: Float?
    /// Fractions of the run.
    private let interval: (start: Double, stop: Double)
    private let perturbedScale: Float
    private let perturbedAdaptiveScale: Float
    /// Where perturbed passes do without self-attention.
    let perturbedBlocks: Set<Int>

    /// For a transformer of `blocks` blocks. Fails with `.option`.
    init(_ options: GuidanceOptions, blocks: Int) throws(PixArtError) {
        scale = options.scales.usesClassifierFree ? Float(options.scales.classifierFree) : nil
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

    /// Predictions of a step that takes the most of them, and prompts that they are made under.
    static func maximum(_ scales: GuidanceScales) -> (passes: Int, prompts: Int) {
        let prompts = scales.usesClassifierFree ? 2 : 1
        return (prompts + (scales.usesPerturbed ? 1 : 0), prompts)
    }

    /// Whether the run needs a negative for each prompt.
    var needsNegatives: Bool { scale != nil }

    /// The predictions of a step of `steps`, in the order of their items.
    func passes(step: Int, of steps: Int, timestep: Float) -> [Pass] {
        let guided = Int(interval.start * Double(steps))..<Int(interval.stop * Double(steps))
        return (scale != nil && guided.contains(step) ? [.negative] : []) + [.positive]
            + (perturbedWeight(timestep) > 0 ? [.perturbed] : [])
    }

    private func perturbedWeight(_ timestep: Float) -> Float {
        guard perturbedAdaptiveScale > 0 else { return perturbedScale }
        return max(perturbedScale - perturbedAdaptiveScale * (1000 - timestep), 0)
    }

    /// One prediction made of those of `passes`, all of one size.
    func combined(_ predictions: [Latents], of passes: [Pass], timestep: Float) -> Latents {
        func prediction(_ pass: Pass) -> [Float]? { passes.firstIndex(of: pass).map { predictions[$0].values } }
        guard let positive = prediction(.positive) else { preconditionFailure("a step without its prompt") }
        var result = positive
        if let scale, let negative = prediction(.negative) {
            result = zip(negative, positive).map { $0 + scale * ($1 - $0) }
        }
        if let perturbed = prediction(.perturbed) {
            let weight = perturbedWeight(timestep)
            for (index, pair) in zip(positive, perturbed).enumerated() { result[index] += weight * (pair.0 - pair.1) }
        }
        return Latents(predictions[0].shape, result)
    }
}
