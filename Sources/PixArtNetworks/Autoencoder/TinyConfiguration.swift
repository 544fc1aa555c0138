/// The shape of one half of a tiny autoencoder, diffusers' `AutoencoderTiny`.
package struct TinyConfiguration: Sendable, Equatable {
    package var latentChannels: Int
    /// Channels of all maps in between.
    package var channels: Int
    /// Blocks of each level, in the order that they run in.
    package var blocks: [Int]

    /// Pixels along one side of a latent.
    package var scale: Int { 1 << (blocks.count - 1) }

    package init(latentChannels: Int, channels: Int, blocks: [Int]) {
        self.latentChannels = latentChannels
        self.channels = channels
        self.blocks = blocks
    }
}
