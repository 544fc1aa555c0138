import PixArtStorage

/// A feature map of `height * width` pixels in row-major order. The channels of a pixel are adjacent.
///
/// A map that is written from the top may hold only its latest rows. Row `r` then takes the place of row `r - held`.
package struct FeatureMap: Sendable {
    package let height: Int
    package let width: Int
    /// Rows in memory: `height`, or a multiple of 4.
    package let held: Int
    /// The pixels as [held * width, channels], without gaps between rows.
    package let pixels: Matrix

    package var channels: Int { pixels.columns }

    /// A new map with undefined contents, in the memory of `buffers`, if given. Fails with `.memory`.
    package init(
        height: Int, width: Int, channels: Int, held: Int? = nil, _ buffers: BufferPool? = nil
    ) throws(PixArtError) {
        self.height = height
        self.width = width
        self.held = min(held ?? height, height)
        precondition(self.held == height || self.held % 4 == 0)
        pixels = try Matrix(rows: self.held * width, columns: channels, buffers)
    }

    /// The pixels of rows that are adjacent in memory.
    package func pixels(of rows: Range<Int>) -> Matrix {
        let first = rows.lowerBound % held
        return pixels.rows(first * width..<(first + rows.count) * width)
    }

    /// Frees the memory of all rows above `row`; their contents are undefined from then on. Frees next to nothing
    /// of a small map.
    package func discard(above row: Int) {
        guard row > 0 else { return }
        pixels.buffer.discard(pixels.offset..<pixels.offset + min(row, height) * width * channels)
    }

    /// The sums over all pixels.
    package func sums(_ pool: ThreadPool) throws(PixArtError) -> ChannelStatistics {
        let grain = max(1024, (pixels.rows + 63) / 64)
        let slices = PartialStatistics(slices: (pixels.rows + grain - 1) / grain, channels: channels)
        try pool.run(total: pixels.rows, grain: grain) { range, _ in
            let (sum, square) = slices[range.lowerBound / grain]
            pool.kernels.table.pointee.channel_sums(
                range.count, channels, pixels.row(range.lowerBound), sum, square)
        }
        return slices.total(pixels: pixels.rows)
    }
}
