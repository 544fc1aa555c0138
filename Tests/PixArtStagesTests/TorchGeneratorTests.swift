import PixArtSchedulers
import Testing

@Suite struct TorchGeneratorTests {
    /// Bit for bit, one draw after another from one generator.
    @Test func drawsEqualTorch() throws {
        for row in try StageGolden.stages["noise"] as! [[String: Any]] {
            var generator = TorchGenerator(seed: row["seed"] as! UInt64)
            for draw in row["draws"] as! [[Int]] {
                #expect(generator.normal(draw.count) == StageGolden.floats(draw), "seed \(row["seed"]!), \(draw.count)")
            }
        }
    }
}
