import PixArtStorage

/// The orientation of stored pixels: the values of Exif's tag Orientation.
enum ImageOrientation: Int32 {
    case upright = 1
    case mirrored = 2
    case halfTurn = 3
    case flipped = 4
    case transposed = 5
    case quarterTurn = 6
    case transversed = 7
    case threeQuarterTurn = 8

    private var swapsSides: Bool { rawValue >= 5 }

    /// Rotates and mirrors stored pixels, uint8 [H, W, C], to upright. Fails with `.memory`.
    func uprighted(_ stored: Tensor) throws(PixArtError) -> Tensor {
        guard self != .upright else { return stored }
        let (height, width, channels) = (stored.shape[0], stored.shape[1], stored.shape[2])
        let (rows, columns) = swapsSides ? (width, height) : (height, width)
        let source = stored.bytes
        return try Tensor(.uint8, shape: [rows, columns, channels]) { target in
            for row in 0..<rows {
                for column in 0..<columns {
                    let (y, x) = origin(row, column, height, width)
                    let (from, to) = ((y * width + x) * channels, (row * columns + column) * channels)
                    for channel in 0..<channels { target[to + channel] = source[from + channel] }
                }
            }
        }
    }

    /// The row and column, among `height` stored rows of `width`, of the pixel that is displayed at `row` and
    /// `column`.
    private func origin(_ row: Int, _ column: Int, _ height: Int, _ width: Int) -> (y: Int, x: Int) {
        switch self {
        case .upright: (row, column)
        case .mirrored: (row, width - 1 - column)
        case .halfTurn: (height - 1 - row, width - 1 - column)
        case .flipped: (height - 1 - row, column)
        case .transposed: (column, row)
        case .quarterTurn: (height - 1 - column, row)
        case .transversed: (height - 1 - column, width - 1 - row)
        case .threeQuarterTurn: (column, width - 1 - row)
        }
    }
}
