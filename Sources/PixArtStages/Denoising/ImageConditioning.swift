import PixArtFormats
import PixArtNetworks
import PixArtSchedulers
import PixArtStorage

/// The image that a run starts from, and the part of it that is inpainted.
///
/// This implementation matches: the arithmetic of diffusers' `StableDiffusionImg2ImgPipeline`, and with a mask that of
/// `StableDiffusionInpaintPipeline` for networks that see latents only.
/// Limitations: latents that a host sets replace the noise, at any strength.
struct ImageConditioning: Sendable {
    private let strength: Double
    private let shape: LatentShape
    private var imageLatents: [Float]?
    /// Whether a latent is inpainted, [B, Y, X].
    private var mask: [Bool]?

    init(strength: Double, _ shape: LatentShape) {
        self.strength = strength
        self.shape = shape
    }

    var hasImage: Bool { imageLatents != nil }

    /// Takes the latents of the image, float32 [1 or B, C, Y, X].
    mutating func setImage(_ latents: Tensor) throws(PixArtError) {
        let given = try Latents(images: latents, for: shape)
        imageLatents = repeated(given.values, given.shape.images)
    }

    /// Takes the mask, uint8 [H, W] or [1 or B, H, W] in pixels, also with a last dimension of 1. A pixel is inpainted if its
    /// value is at least 128. The first pixel of a latent decides for the latent.
    mutating func setMask(_ mask: Tensor) throws(PixArtError) {
        let scale = LatentShape.scale
        let (height, width) = (shape.height * scale, shape.width * scale)
        let masks = try ImageBatch(mask: mask, count: shape.images, height: height, width: width)
        var reduced: [Bool] = []
        for item in 0..<masks.count {
            let bytes = masks.bytes(item)
            for y in stride(from: 0, to: height, by: scale) {
                for x in stride(from: 0, to: width, by: scale) {
                    reduced.append(bytes[y * width + x] >= ImageBlend.threshold)
                }
            }
        }
        self.mask = repeated(reduced, masks.count)
    }

    /// The elements of all items: those of a single item are repeated for each item of the batch.
    private func repeated<Element>(_ elements: [Element], _ items: Int) -> [Element] {
        items == shape.images ? elements : (0..<shape.images).flatMap { _ in elements }
    }

    /// The latents before the first step, whose timestep is `timesteps[index]`.
    func start(_ noise: Latents, _ scheduler: any Scheduler, at index: Int) -> Latents {
        guard let imageLatents, mask == nil || strength < 1 else {
            return Latents(shape, noise.values.map { $0 * scheduler.initialNoiseSigma })
        }
        return Latents(shape, scheduler.addingNoise(noise.values, to: imageLatents, at: index))
    }

    /// Latents in which those outside the mask are the image's again, with the noise of `timesteps[index]`, or without
    /// noise if `index` is nil.
    func kept(in latents: Latents, noise: Latents, _ scheduler: any Scheduler, at index: Int?) -> Latents {
        guard let imageLatents, let mask else { return latents }
        let original = index.map { scheduler.addingNoise(noise.values, to: imageLatents, at: $0) } ?? imageLatents
        var result = latents
        for index in original.indices where !mask[shape.position(of: index)] { result.values[index] = original[index] }
        return result
    }
}

extension Latents {
    /// Latents of one image for a whole batch of `shape`, or of one for each: float32 [1 or B, C, Y, X]. Fails with
    /// `.argument`.
    init(images tensor: Tensor, for shape: LatentShape) throws(PixArtError) {
        guard let given = LatentShape(tensor), [1, shape.images].contains(given.images),
            given == shape.with(images: given.images, channels: shape.channels)
        else {
            let images = shape.images == 1 ? "1" : "1 or \(shape.images)"
            throw .argument(
                "latents are \(tensor.description), expected float32 "
                    + "[\(images), \(shape.channels), \(shape.height), \(shape.width)]")
        }
        try tensor.requireFinite("latents")
        self.init(tensor)
    }
}
