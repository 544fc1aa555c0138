import PixArtStages
import Testing

@Suite struct ResolutionBinTests {
    @Test func nearest() throws {
        for row in try StageGolden.stages["bins"] as! [[Int]] {
            let bin = ResolutionBins.nearest(height: row[0], width: row[1], sampleSize: row[2])
            #expect(bin == (row[3], row[4]), "\(row[0]) x \(row[1]), sample size \(row[2])")
        }
    }

    @Test func onlyPublishedSizesHaveBins() {
        #expect((1...512).filter { ResolutionBins.exist(forSampleSize: $0) } == [32, 64, 128, 256])
    }
}
