/// The sizes that PixArt checkpoints were trained on, by aspect ratio.
package enum ResolutionBins {
    /// Aspect ratio (height / width), height and width, for checkpoints of 1024 pixels; those of 512 and 256 have the
    /// halves and quarters of these sizes.
    private static let sizes: [(ratio: Double, height: Int, width: Int)] = [
        (0.25, 512, 2048), (0.28, 512, 1856), (0.32, 576, 1792), (0.33, 576, 1728), (0.35, 576, 1664),
        (0.4, 640, 1600), (0.42, 640, 1536), (0.48, 704, 1472), (0.5, 704, 1408), (0.52, 704, 1344),
        (0.57, 768, 1344), (0.6, 768, 1280), (0.68, 832, 1216), (0.72, 832, 1152), (0.78, 896, 1152),
        (0.82, 896, 1088), (0.88, 960, 1088), (0.94, 960, 1024), (1.0, 1024, 1024), (1.07, 1024, 960),
        (1.13, 1088, 960), (1.21, 1088, 896), (1.29, 1152, 896), (1.38, 1152, 832), (1.46, 1216, 832),
        (1.67, 1280, 768), (1.75, 1344, 768), (2.0, 1408, 704), (2.09, 1472, 704), (2.4, 1536, 640),
        (2.5, 1600, 640), (3.0, 1728, 576), (4.0, 2048, 512),
    ]

    /// Whether checkpoints of this `sample_size` (latents along one side) have bins.
    package static func exist(forSampleSize size: Int) -> Bool { [32, 64, 128].contains(size) }

    /// The bin nearest in aspect ratio, the narrower of two that are equally near. `sampleSize` must have bins.
    package static func nearest(height: Int, width: Int, sampleSize: Int) -> (height: Int, width: Int) {
        precondition(exist(forSampleSize: sampleSize))
        let ratio = Double(height) / Double(width)
        var best = sizes[0]
        for size in sizes where abs(size.ratio - ratio) < abs(best.ratio - ratio) { best = size }
        return (best.height * sampleSize / 128, best.width * sampleSize / 128)
    }
}
