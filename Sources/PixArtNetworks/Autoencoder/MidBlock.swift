import PixArtCompute
import PixArtStorage

/// The coarsest level of a VAE's encoder or decoder: two residual blocks, with or without attention between them.
struct MidBlock: Sendable {
    private let blocks: (ResidualBlock, ResidualBlock)
    private let attention: SpatialAttention?

    /// The weights `<half>.mid_block`.
    init(_ half: String, _ configuration: VAEConfiguration, _ reader: WeightReader) throws(PixArtError) {
        let channels = configuration.blockChannels[configuration.blockChannels.count - 1]
        let groups = configuration.groups
        func block(_ index: Int) throws(PixArtError) -> ResidualBlock {
            try ResidualBlock(
                "\(half).mid_block.resnets.\(index)", inputs: channels, outputs: channels, groups: groups, reader)
        }
        blocks = (try block(0), try block(1))
        attention =
            configuration.middleAttention
            ? try SpatialAttention("\(half).mid_block.attentions.0", channels: channels, groups: groups, reader) : nil
    }

    /// Consumes `x`.
    func callAsFunction(_ x: FeatureMapWithStatistics, _ pool: ThreadPool, _ buffers: BufferPool) throws(PixArtError)
        -> FeatureMapWithStatistics
    {
        var x = try blocks.0(x, pool, buffers)
        if let attention {
            try attention(x, pool, buffers)
            x.sums = try x.map.sums(pool)
        }
        return try blocks.1(x, pool, buffers)
    }
}
