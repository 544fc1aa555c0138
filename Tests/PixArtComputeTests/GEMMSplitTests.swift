import PixArtCompute
import Testing

@Suite struct GEMMSplitTests {
    /// Panels of the GEMMs of a block of PixArt-XL: queries, keys and values; a projection; the feed-forward layer.
    private static let networks = [[36, 36, 36], [36], [144]]

    /// Few workers get equal shares of panels, and no panel is packed for others.
    @Test(arguments: networks, [1, 2, 4, 6])
    func fewWorkers(_ panels: [Int], _ workers: Int) {
        let split = GEMMSplit(panels: panels, rowBlocks: 22, most: 3, workers: workers)
        #expect(!split.packsFirst && split.slices == 1 && split.waste <= 1.1)
    }

    /// With many workers the rows are split too, so that little time is lost.
    @Test(arguments: networks, [16, 64, 128])
    func manyWorkers(_ panels: [Int], _ workers: Int) {
        let split = GEMMSplit(panels: panels, rowBlocks: 86, most: 3, workers: workers)
        #expect(split.waste <= 1.15)
        #expect(split.packsFirst == (split.slices > 1))
    }

    /// A prompt's rows are one block, which is never split.
    @Test func oneBlock() {
        let split = GEMMSplit(panels: [128], rowBlocks: 1, most: 16, workers: 64)
        #expect(split.slices == 1 && split.blocks == 1 && !split.packsFirst)
    }

    /// All rows are in a slice, whatever the numbers.
    @Test(arguments: 1...40, [1, 3, 64])
    func slicesCoverTheRows(_ rowBlocks: Int, _ workers: Int) {
        for panels in [[1], [2, 7], [36]] {
            let split = GEMMSplit(panels: panels, rowBlocks: rowBlocks, most: 3, workers: workers)
            #expect((split.slices - 1) * split.blocks < rowBlocks && split.slices * split.blocks >= rowBlocks)
        }
    }
}
