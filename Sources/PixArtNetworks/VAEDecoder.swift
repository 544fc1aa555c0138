import PixArtCompute

/// The decoding half of a variational autoencoder: latents in, pixels out.
///
/// This implementation matches the decoder of diffusers' `AutoencoderKL` with `UpDecoderBlock2D` blocks and SiLU.
package struct VAEDecoder: Sendable {
    package struct Configuration: Sendable, Equatable {
        package var latentChannels: Int
        package var outChannels: Int
        /// Channels of each level, from the finest to the coarsest.
        package var blockChannels: [Int]
        /// As in the file: the decoder has one residual block more than this on each level.
        package var layersPerBlock: Int
        package var groups: Int
        package var middleAttention: Bool
        package var postQuantConvolution: Bool

        /// Pixels along one side of a latent.
        package var scale: Int { 1 << (blockChannels.count - 1) }

        package init(
            latentChannels: Int, outChannels: Int, blockChannels: [Int], layersPerBlock: Int, groups: Int,
            middleAttention: Bool, postQuantConvolution: Bool
        ) {
            self.latentChannels = latentChannels
            self.outChannels = outChannels
            self.blockChannels = blockChannels
            self.layersPerBlock = layersPerBlock
            self.groups = groups
            self.middleAttention = middleAttention
            self.postQuantConvolution = postQuantConvolution
        }
    }

    /// Residual blocks of one size, and the convolution that doubles it; nil on the finest level.
    private struct Level: Sendable {
        let blocks: [ResidualBlock]
        let enlargement: Convolution?
    }

    package let configuration: Configuration
    private let postQuantization: Linear?
    private let input: Convolution
    private let middle: (ResidualBlock, PixelAttention?, ResidualBlock)
    private let levels: [Level]
    private let outputNorm: GroupNorm
    private let output: Convolution

    /// Takes the decoder's weights by their names in diffusers' files; the encoder's are passed over. Fails with
    /// `.model`.
    package init(_ configuration: Configuration, _ reader: WeightReader) throws(PixArtError) {
        let groups = configuration.groups
        let coarsest = configuration.blockChannels[configuration.blockChannels.count - 1]
        let latents = configuration.latentChannels
        postQuantization =
            configuration.postQuantConvolution
            ? Linear(
                weight: try reader.matrix("post_quant_conv.weight", outputs: latents, channels: latents, kernel: 1),
                bias: try reader.floats("post_quant_conv.bias", [latents])) : nil
        input = try reader.convolution("decoder.conv_in", outputs: coarsest, inputs: latents)
        func block(_ name: String, _ inputs: Int, _ outputs: Int) throws(PixArtError) -> ResidualBlock {
            try ResidualBlock("decoder.\(name)", inputs: inputs, outputs: outputs, groups: groups, reader)
        }
        middle = (
            try block("mid_block.resnets.0", coarsest, coarsest),
            configuration.middleAttention
                ? try PixelAttention("decoder.mid_block.attentions.0", channels: coarsest, groups: groups, reader)
                : nil,
            try block("mid_block.resnets.1", coarsest, coarsest)
        )
        var levels: [Level] = []
        var channels = coarsest
        for (index, width) in configuration.blockChannels.reversed().enumerated() {
            var blocks: [ResidualBlock] = []
            for layer in 0...configuration.layersPerBlock {
                blocks.append(try block("up_blocks.\(index).resnets.\(layer)", channels, width))
                channels = width
            }
            let isFinest = index == configuration.blockChannels.count - 1
            let enlargement = "decoder.up_blocks.\(index).upsamplers.0.conv"
            levels.append(
                Level(
                    blocks: blocks,
                    enlargement: isFinest ? nil : try reader.convolution(enlargement, outputs: width, inputs: width)))
        }
        self.levels = levels
        outputNorm = try reader.groupNorm("decoder.conv_norm_out", channels: channels, groups: groups, epsilon: 1e-6)
        output = try reader.convolution("decoder.conv_out", outputs: configuration.outChannels, inputs: channels)
        self.configuration = configuration
        try reader.finish(ignoring: ["encoder.", "quant_conv."])
    }

    /// Decodes one latent image, [Y*X, C] pixels already divided by the scaling factor, into one of `outChannels` that
    /// is `scale` times as large in each direction; values are about -1 to 1.
    ///
    /// `afterPart` sees the map after the middle part and after each level.
    package func callAsFunction(
        _ latents: FeatureMap, _ pool: ThreadPool, afterPart: (FeatureMap) -> Void = { _ in }
    ) throws(PixArtError) -> FeatureMap {
        let store = BufferStore()
        var source = latents
        if let postQuantization {
            source = try FeatureMap(height: latents.height, width: latents.width, channels: latents.channels)
            try postQuantization(latents.pixels, into: source.pixels, pool)
        }
        let first = try FeatureMap(height: source.height, width: source.width, channels: input.outputs, store)
        var x = MeasuredMap(map: first, sums: try input.apply(to: source, into: first, pool, store))

        x = try middle.0(x, pool, store)
        if let attention = middle.1 {
            try attention(x, pool, store)
            x.sums = x.map.sums(pool)
        }
        x = try middle.2(x, pool, store)
        afterPart(x.map)

        for level in levels {
            for block in level.blocks { x = try block(x, pool, store) }
            if let enlargement = level.enlargement { x = try Self.enlarge(x.map, enlargement, pool, store) }
            afterPart(x.map)
        }

        let image = try FeatureMap(height: x.map.height, width: x.map.width, channels: configuration.outChannels)
        let transform = outputNorm.transform(of: x.sums, activate: true)
        try output.apply(to: x.map, transform: transform, into: image, pool, store)
        return image
    }

    /// Doubles a map in each direction. Consumes it: it is let go of from the top while the larger one is written.
    private static func enlarge(
        _ map: FeatureMap, _ convolution: Convolution, _ pool: ThreadPool, _ store: BufferStore
    ) throws(PixArtError) -> MeasuredMap {
        let prepared = try PreparedConvolution(convolution, enlarge: true, pool, store)
        let larger = try FeatureMap(height: 2 * map.height, width: 2 * map.width, channels: convolution.outputs, store)
        var sums = ChannelSums(channels: convolution.outputs)
        for rows in prepared.parts(of: larger, pool) {
            sums.add(try prepared(map, rows: rows, into: larger, pool))
            map.discard(above: rows.upperBound / 2 - 1)
        }
        return MeasuredMap(map: larger, sums: sums)
    }
}

/// A map and what the next normalisation needs to know of it.
private struct MeasuredMap {
    let map: FeatureMap
    var sums: ChannelSums
}

/// Two normalised, activated convolutions, added to their input.
private struct ResidualBlock: Sendable {
    private let norms: (GroupNorm, GroupNorm)
    private let convolutions: (Convolution, Convolution)
    /// Brings the input to the output's channels where they differ.
    private let shortcut: Linear?

    init(_ name: String, inputs: Int, outputs: Int, groups: Int, _ reader: WeightReader) throws(PixArtError) {
        norms = (
            try reader.groupNorm("\(name).norm1", channels: inputs, groups: groups, epsilon: 1e-6),
            try reader.groupNorm("\(name).norm2", channels: outputs, groups: groups, epsilon: 1e-6)
        )
        convolutions = (
            try reader.convolution("\(name).conv1", outputs: outputs, inputs: inputs),
            try reader.convolution("\(name).conv2", outputs: outputs, inputs: outputs)
        )
        shortcut =
            inputs == outputs
            ? nil
            : Linear(
                weight: try reader.matrix(
                    "\(name).conv_shortcut.weight", outputs: outputs, channels: inputs, kernel: 1),
                bias: try reader.floats("\(name).conv_shortcut.bias", [outputs]))
    }

    /// Consumes `x`: where channels stay the same the sum is made in place, and else the input is let go of from the
    /// top while the shortcut and the first convolution are written.
    func callAsFunction(_ x: MeasuredMap, _ pool: ThreadPool, _ store: BufferStore) throws(PixArtError) -> MeasuredMap {
        let (input, outputs) = (x.map, convolutions.0.outputs)
        let hidden = try FeatureMap(height: input.height, width: input.width, channels: outputs, store)
        let normed = norms.0.transform(of: x.sums, activate: true)
        let sum: FeatureMap
        var hiddenSums: ChannelSums
        if let shortcut {
            sum = try FeatureMap(height: input.height, width: input.width, channels: outputs, store)
            hiddenSums = ChannelSums(channels: outputs)
            let first = try PreparedConvolution(convolutions.0, pool, store)
            for rows in first.parts(of: hidden, pool) {
                hiddenSums.add(try first(input, transform: normed, rows: rows, into: hidden, pool))
                let pixels = rows.lowerBound * input.width..<rows.upperBound * input.width
                try shortcut(input.pixels.rows(pixels), into: sum.pixels.rows(pixels), pool)
                input.discard(above: rows.upperBound - 1)
            }
        } else {
            sum = input
            hiddenSums = try convolutions.0.apply(to: input, transform: normed, into: hidden, pool, store)
        }
        let second = try PreparedConvolution(convolutions.1, pool, store)
        let activated = norms.1.transform(of: hiddenSums, activate: true)
        return MeasuredMap(
            map: sum, sums: try second(hidden, transform: activated, into: sum, accumulate: true, pool))
    }
}

/// Attention of every pixel to every other, with a single head, added to its input.
private struct PixelAttention: Sendable {
    private let norm: GroupNorm
    private let query, key, value, output: Linear

    init(_ name: String, channels: Int, groups: Int, _ reader: WeightReader) throws(PixArtError) {
        norm = try reader.groupNorm("\(name).group_norm", channels: channels, groups: groups, epsilon: 1e-6)
        /// Files written before diffusers 0.18 have other names.
        func projection(_ new: String, _ old: String) throws(PixArtError) -> Linear {
            let current = reader.contains("\(name).\(old).weight") ? old : new
            return try reader.linear("\(name).\(current)", outputs: channels, inputs: channels)
        }
        query = try projection("to_q", "query")
        key = try projection("to_k", "key")
        value = try projection("to_v", "value")
        output = try projection("to_out.0", "proj_attn")
    }

    /// Adds to `x` in place.
    func callAsFunction(_ x: MeasuredMap, _ pool: ThreadPool, _ store: BufferStore) throws(PixArtError) {
        let (x, sums) = (x.map, x.sums)
        let (rows, channels) = (x.pixels.rows, x.channels)
        let normed = try Matrix(rows: rows, columns: channels, store)
        norm.transform(of: sums, activate: false).apply(to: x.pixels, into: normed, pool)
        let (q, k) = (
            try Matrix(rows: rows, columns: channels, store), try Matrix(rows: rows, columns: channels, store)
        )
        let v = try Matrix(rows: rows, columns: channels, store)
        try query(normed, into: q, pool)
        try key(normed, into: k, pool)
        try value(normed, into: v, pool)
        let attention = Attention(heads: 1, scale: 1 / Float(channels).squareRoot())
        try attention(
            query: Operand(q), key: Operand(k), value: Operand(v), into: Operand(normed), pool)
        try output(normed, into: x.pixels, pool, epilogue: .accumulate(gate: [Float](repeating: 1, count: channels)))
    }
}
