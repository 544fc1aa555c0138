import PixArtCompute
import PixArtStorage

/// Latents as square patches: patchify and unpatchify.
struct PatchGrid: Sendable {
    /// Of the latents.
    let height, width: Int
    private let patch: Int

    /// `height` and `width` are divisible by `patch`.
    init(height: Int, width: Int, patch: Int) {
        precondition(height % patch == 0 && width % patch == 0)
        self.height = height
        self.width = width
        self.patch = patch
    }

    var rows: Int { height / patch }
    var columns: Int { width / patch }
    /// Patches of one item, T.
    var count: Int { rows * columns }

    /// Latents [B, C, Y, X] as token rows, [B*T, C*P*P], channels first within a patch.
    func tokens(of latents: Latents) throws(PixArtError) -> Matrix {
        let result = try Matrix(
            rows: latents.shape.images * count, columns: latents.shape.channels * patch * patch)
        forEach(items: latents.shape.images, channels: latents.shape.channels) { row, channel, y, x, latent in
            result[row, (channel * patch + y) * patch + x] = latents.values[latent]
        }
        return result
    }

    /// Token rows, [B*T, P*P*C], channels last within a patch, as latents [B, C, Y, X].
    func latents(from tokens: Matrix, channels: Int) -> Latents {
        let shape = LatentShape(images: tokens.rows / count, channels: channels, height: height, width: width)
        var result = [Float](repeating: 0, count: shape.count)
        forEach(items: shape.images, channels: channels) { row, channel, y, x, latent in
            result[latent] = tokens[row, (y * patch + x) * channels + channel]
        }
        return Latents(shape, result)
    }

    /// Calls `body` for every latent: the row of its patch, its channel, its place in the patch, and its index in
    /// [B, C, Y, X].
    private func forEach(items: Int, channels: Int, _ body: (Int, Int, Int, Int, Int) -> Void) {
        var latent = 0
        for item in 0..<items {
            for channel in 0..<channels {
                for y in 0..<height {
                    for x in 0..<width {
                        let row = item * count + y / patch * columns + x / patch
                        body(row, channel, y % patch, x % patch, latent)
                        latent += 1
                    }
                }
            }
        }
    }
}
