import PixArtFormats
import PixArtSchedulers
import PixArtStorage

/// A picture that a run starts from, and the part of it that is painted anew.
///
/// This implementation matches: the arithmetic of diffusers' `StableDiffusionImg2ImgPipeline`, and with a mask that of
/// `StableDiffusionInpaintPipeline` for networks that see latents only.
/// Limitations: latents that a host sets are the noise, at any strength.
struct ImageConditioning: Sendable {
    private let strength: Double
    /// [B, C, Y, X]
    private let shape: [Int]
    /// Latents of the picture.
    private var image: [Float]?
    /// Whether a latent is painted anew, [B, Y, X].
    private var mask: [Bool]?

    init(strength: Double, shape: [Int]) {
        self.strength = strength
        self.shape = shape
    }

    var hasImage: Bool { image != nil }

    /// How many of a scheduler's timesteps are left out. Fails with `.option` where none is left.
    static func skippedTimesteps(
        _ strength: Double, _ plan: SchedulerPlan, _ scheduler: any Scheduler
    ) throws(PixArtError) -> Int {
        let count = scheduler.timesteps.count
        let steps = plan.timesteps == nil && plan.sigmas == nil ? plan.steps : count
        let skipped = (steps - min(Int(Double(steps) * strength), steps)) * scheduler.order
        guard skipped < count else {
            throw .option(
                "option \"strength\" is \(strength), expected more: of num_inference_steps \(plan.steps) none is left")
        }
        return skipped
    }

    /// Takes the picture's latents, float32 [1 or B, C, Y, X].
    mutating func setImage(_ latents: Tensor) throws(PixArtError) {
        guard latents.element == .float32, latents.shape.count == 4, [1, shape[0]].contains(latents.shape[0]),
            Array(latents.shape[1...]) == Array(shape[1...])
        else {
            throw .argument("latents are \(latents.description), expected float32 \(Self.batch(of: shape))")
        }
        try latents.requireFinite("latents")
        image = repeated(latents.floats, latents.shape[0])
    }

    /// Takes the mask, uint8 [H, W] or [1 or B, H, W] in pixels, also with a last dimension of 1: at least 128 where the
    /// picture is painted anew. A latent goes by the first of its pixels.
    mutating func setMask(_ mask: Tensor) throws(PixArtError) {
        let (height, width) = (shape[2] * Denoiser.scale, shape[3] * Denoiser.scale)
        let masks = try ImageBatch(mask: mask, count: shape[0], height: height, width: width)
        var reduced: [Bool] = []
        for item in 0..<masks.count {
            let bytes = masks.bytes(item)
            for y in stride(from: 0, to: height, by: Denoiser.scale) {
                for x in stride(from: 0, to: width, by: Denoiser.scale) {
                    reduced.append(bytes[y * width + x] >= ImageBlend.threshold)
                }
            }
        }
        self.mask = repeated(reduced, masks.count)
    }

    /// A shape whose first dimension may be 1, for messages.
    private static func batch(of shape: [Int]) -> String {
        let rest = shape[1...].map { "\($0)" }.joined(separator: ", ")
        return shape[0] == 1 ? "[1, \(rest)]" : "[1 or \(shape[0]), \(rest)]"
    }

    /// The elements of one item for each of the batch, or of all as they are.
    private func repeated<Element>(_ elements: [Element], _ items: Int) -> [Element] {
        items == shape[0] ? elements : (0..<shape[0]).flatMap { _ in elements }
    }

    /// The latents before the first step, which is that of `timesteps[index]`.
    func start(_ noise: [Float], _ scheduler: any Scheduler, at index: Int) -> [Float] {
        guard let image, mask == nil || strength < 1 else { return noise.map { $0 * scheduler.initialNoiseSigma } }
        return scheduler.noised(image, by: noise, at: index)
    }

    /// Latents of which those that the mask keeps are the picture's again, with the noise of `timesteps[index]`; without
    /// noise where that is nil.
    func kept(in latents: [Float], noise: [Float], _ scheduler: any Scheduler, at index: Int?) -> [Float] {
        guard let image, let mask else { return latents }
        let original = index.map { scheduler.noised(image, by: noise, at: $0) } ?? image
        let plane = shape[2] * shape[3]
        var result = latents
        for place in result.indices where !mask[place / (shape[1] * plane) * plane + place % plane] {
            result[place] = original[place]
        }
        return result
    }
}
