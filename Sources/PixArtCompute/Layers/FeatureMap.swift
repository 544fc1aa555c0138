import PixArtStorage

/// A feature map of `height * width` pixels in row-major order. The channels of a pixel are adjacent.
package struct FeatureMap: Sendable {
    package let height: Int
    package let width: Int
    /// The pixels as [height * width, channels], without gaps between rows.
    package let pixels: Matrix

    package var channels: Int { pixels.columns }

    /// A new map with undefined contents, in the memory of `buffers`, if given. Fails with `.memory`.
    package init(height: Int, width: Int, channels: Int, _ buffers: BufferPool? = nil) throws(PixArtError) {
        self.height = height
        self.width = width
        pixels = try Matrix(rows: height * width, columns: channels, buffers)
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
