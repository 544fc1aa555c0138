import Glibc
import PixArtCompute
import PixArtStorage

/// The two sinusoidal embeddings that PixArt uses.
package enum SinusoidalEmbedding {
    /// Elements of the embedding of one timestep or size.
    package static let timestepWidth = 256

    /// The frequencies of a timestep embedding, 10000^(-i / 128). Two of them are one unit in the last place above
    /// the rounded value, because PyTorch's exponential is MKL's. At timestep 999 this matters.
    private static let frequencies: [Float] = (0..<timestepWidth / 2).map { index in
        let value = expf(-Float(log(10_000.0)) * Float(index) / Float(timestepWidth / 2))
        return index == 12 || index == 106 ? value.nextUp : value
    }

    /// The embedding of a timestep, or of a size in pixels: cosines, then sines. diffusers' `Timesteps(256)` with
    /// `flip_sin_to_cos` and no frequency shift, in float32.
    package static func timestep(_ value: Float) -> [Float] {
        let angles = frequencies.map { value * $0 }
        return angles.map { cosf($0) } + angles.map { sinf($0) }
    }

    /// Position embeddings of a grid of patches, [height * width, D] in row-major order. The first half of D
    /// encodes the column, the second half the row.
    ///
    /// Positions run over `base` (the patches along a side at the checkpoint's training size), whatever the grid,
    /// and are divided by `scale`. Matches diffusers' `get_2d_sincos_pos_embed`: float32 positions, sines in
    /// double, float32 results.
    package static func grid(
        height: Int, width: Int, columns: Int, base: Int, scale: Double
    ) throws(PixArtError) -> Matrix {
        func waves(_ index: Int, of count: Int) -> [Float] {
            let position = Float(index) / Float(Double(count) / Double(base)) / Float(scale)
            let quarter = columns / 4
            let angles = (0..<quarter).map { Double(position) / pow(10_000, Double($0) / Double(quarter)) }
            return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
        }
        let across = (0..<width).map { waves($0, of: width) }
        let down = (0..<height).map { waves($0, of: height) }
        let result = try Matrix(rows: height * width, columns: columns)
        for row in 0..<height {
            for column in 0..<width {
                for (index, wave) in (across[column] + down[row]).enumerated() {
                    result[row * width + column, index] = wave
                }
            }
        }
        return result
    }
}
