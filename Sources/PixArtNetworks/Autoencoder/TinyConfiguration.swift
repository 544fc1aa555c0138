/// The shape of the encoder or decoder of a tiny autoencoder, diffusers' `AutoencoderTiny`.
package struct TinyConfiguration: Sendable, Equatable {
    package var latentChannels: Int
    /// Channels of all inner maps.
    package var channels: Int
    /// Blocks of each level, in the order in which they run.
    package var blocks: [Int]

    /// Pixels along one side of a latent.
    package var scale: Int { 1 << (blocks.count - 1) }

    package init(latentChannels: Int, channels: Int, blocks: [Int]) {
        self.latentChannels = latentChannels
        self.channels = channels
        self.blocks = blocks
    }
}
