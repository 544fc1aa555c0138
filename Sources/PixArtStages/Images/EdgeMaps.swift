import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The verb that makes control images: the edges of images, by a network that is opened for one call.
package enum EdgeMaps {
    private static let fileName = "ControlNetHED.pth"

    /// The edges of images, uint8 [B, H, W, 3] or [H, W, 3], as images of the same shape. Fails with `.argument`,
    /// `.option`, `.file`, `.format`, `.model` and `.memory`.
    package static func edges(
        of images: Tensor, model: String, _ options: ImageEdgesOptions
    ) throws(PixArtError) -> Tensor {
        let batch = try ImageBatch(images, "images", channels: [3])
        let side = EdgeDetector.minimumSide
        guard batch.height >= side, batch.width >= side else {
            throw .argument("images are \(images.description); expected height and width of at least \(side)")
        }
        let pool = try ThreadPool(options.workers)
        let detector = try EdgeDetector(WeightReader(WeightFile.open(path(of: model))))
        return try Tensor(.uint8, shape: images.shape) { bytes throws(PixArtError) in
            for image in 0..<batch.count {
                try CallProgress.report(step: image, of: batch.count)
                let edges = try detector(batch.map(image) { Float($0) }, pool)
                for pixel in 0..<edges.pixels.rows {
                    let byte = UInt8((edges.pixels[pixel, 0] * 255).rounded(.toNearestOrEven))
                    for channel in 0..<3 { bytes[image * batch.size + 3 * pixel + channel] = byte }
                }
            }
            try CallProgress.report(step: batch.count, of: batch.count)
        }
    }

    /// The file that `model` is, or that lies in the folder it leads to.
    private static func path(of model: String) throws(PixArtError) -> String {
        switch try ModelLocation(model) {
        case .file(let path): path
        case .pipeline(let folder), .part(let folder): "\(folder)/\(fileName)"
        }
    }
}
