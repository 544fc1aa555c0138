import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The ControlNet of a transformer as its own checkpoint describes it.
struct ControlNetDescription: Sendable {
    /// The class of diffusers' research projects, and that of a ControlNet and its transformer together.
    static let adapter = "PixArtControlNetAdapterModel"
    static let whole = "PixArtControlNetTransformerModel"

    /// Copies of blocks.
    let copies: Int
    private let weights: any WeightSource
    private let configurationPath: String?

    /// Reads the configuration, or counts the copies if that is the transformer's or is missing. Fails with `.file`,
    /// `.format` and `.model`.
    init(_ checkpoint: Checkpoint) throws(PixArtError) {
        let file = try checkpoint.configuration(.controlNet)
        try file.requireKnownQuantization()
        weights = try checkpoint.weights(.controlNet)
        configurationPath = checkpoint.configurationPath(.controlNet)
        let name = try file.string("_class_name", default: Self.adapter)
        guard [Self.adapter, Self.whole].contains(name) else {
            throw file.unsupported("_class_name", found: "\"\(name)\"", ["\"\(Self.adapter)\"", "\"\(Self.whole)\""])
        }
        copies =
            name == Self.whole
            ? Self.copies(in: weights) : try file.integer("num_layers", in: 1...1024, default: 13)
    }

    /// For a transformer of `configuration`. Fails with `.model` also if that has too few blocks or another width.
    init(
        _ checkpoint: Checkpoint, for configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) {
        try self.init(checkpoint)
        guard copies < configuration.layers else {
            throw .model(
                "\(weights.location): a ControlNet of \(copies) blocks, expected fewer than the \(configuration.layers) of the "
                    + "transformer")
        }
        guard let width = Self.width(in: weights), width != configuration.width else { return }
        throw .model(
            "\(weights.location): a ControlNet for a transformer of width \(width), expected \(configuration.width) as the "
                + "transformer's")
    }

    /// Paths of the files, for reports.
    var files: [String] { (configurationPath.map { [$0] } ?? []) + weights.paths }

    /// The facts of the configuration that reports show, by its keys.
    var architecture: [Name: JSONValue] { ["num_layers": .integer(Int64(copies))] }

    /// The number of copies that weights are of, under the names of diffusers; at least 1.
    static func copies(in weights: any WeightSource) -> Int {
        var count = 1
        while weights.shape(of: "controlnet_blocks.\(count).after_proj.weight") != nil { count += 1 }
        return count
    }

    /// The width of the transformer that weights are for; nil if they do not say.
    private static func width(in weights: any WeightSource) -> Int? {
        guard let shape = weights.shape(of: "controlnet_blocks.0.after_proj.weight"), shape.count == 2 else {
            return nil
        }
        return 1...1 << 16 ~= shape[0] ? shape[0] : nil
    }

    /// A reader of the weights, which become what those of `base`, the transformer's, become. Fails with `.option`.
    func reader(accompanying base: WeightReader, compute: ComputePrecision) throws(PixArtError) -> WeightReader {
        let precision = try ResolvedPrecision(
            weights: base.loading.requested, compute: compute, quantization: weights.quantization,
            location: weights.location)
        return WeightReader(
            WeightLoading(
                weights, as: precision.weights, keepsRounded: base.loading.keepsRounded,
                unexpected: base.loading.unexpected, base.loading.pool))
    }

    /// The network with its weights. Fails with `.model` and `.memory`.
    func network(
        for configuration: PixArtTransformer.Configuration, _ reader: WeightReader
    ) throws(PixArtError) -> ControlNet {
        try ControlNet(copies: copies, of: configuration, reader)
    }

    /// Checks that `reader` has the weights, for a transformer of any number of heads. The reader then knows the
    /// precision of each.
    func validate(with reader: WeightReader) throws(PixArtError) {
        let bias = weights.shape(of: "controlnet_blocks.0.transformer_block.attn1.to_q.bias") != nil
        let configuration = PixArtTransformer.Configuration(
            heads: 1, headWidth: Self.width(in: weights) ?? 1, layers: copies + 1, inChannels: 4, outChannels: 4,
            patchSize: 2, captionChannels: 1, sampleSize: 1, interpolationScale: 1, sizeConditions: false,
            attentionBias: bias, epsilon: 1e-6)
        _ = try network(for: configuration, reader)
    }
}
