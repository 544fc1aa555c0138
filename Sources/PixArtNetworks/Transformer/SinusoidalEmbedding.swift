import Glibc
import PixArtCompute
import PixArtStorage

/// Numbers as waves, in the two forms that PixArt uses.
package enum SinusoidalEmbedding {
    /// Numbers that stand for one timestep or size.
    package static let timestepWidth = 256

    /// The frequencies of a timestep's waves, 10000^(-i / 128). PyTorch's exponential, which is MKL's, is one unit in
    /// the last place above the rounded value in two of them; at timestep 999 that shows.
    private static let frequencies: [Float] = (0..<timestepWidth / 2).map { index in
        let value = expf(-Float(log(10_000.0)) * Float(index) / Float(timestepWidth / 2))
        return index == 12 || index == 106 ? value.nextUp : value
    }

    /// A timestep, or a size in pixels, as cosines and then sines: diffusers' `Timesteps(256)` with `flip_sin_to_cos`
    /// and no frequency shift, in float32.
    package static func timestep(_ value: Float) -> [Float] {
        let angles = frequencies.map { value * $0 }
        return angles.map { cosf($0) } + angles.map { sinf($0) }
    }

    /// Positions of a grid of patches, [height * width, D] row by row: the first half of D tells the column, the second
    /// the row.
    ///
    /// Positions run over `base` (the patches of a side at the checkpoint's own size) whatever the grid, and are
    /// divided by `scale`. Matches diffusers' `get_2d_sincos_pos_embed`: float32 positions, double waves, float32
    /// results.
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
