/// The shape of a variational autoencoder: encoder and decoder of diffusers' `AutoencoderKL` with `DownEncoderBlock2D`
/// and `UpDecoderBlock2D` blocks and SiLU.
package struct VAEConfiguration: Sendable, Equatable {
    package var latentChannels: Int
    /// Channels of each level, from the finest to the coarsest.
    package var blockChannels: [Int]
    /// As in the file. The decoder has one more residual block on each level.
    package var layersPerBlock: Int
    package var groups: Int
    package var middleAttention: Bool
    package var quantConvolution: Bool
    package var postQuantConvolution: Bool

    /// Pixels along one side of a latent.
    package var scale: Int { 1 << (blockChannels.count - 1) }

    package init(
        latentChannels: Int, blockChannels: [Int], layersPerBlock: Int, groups: Int, middleAttention: Bool,
        quantConvolution: Bool, postQuantConvolution: Bool
    ) {
        self.latentChannels = latentChannels
        self.blockChannels = blockChannels
        self.layersPerBlock = layersPerBlock
        self.groups = groups
        self.middleAttention = middleAttention
        self.quantConvolution = quantConvolution
        self.postQuantConvolution = postQuantConvolution
    }
}
