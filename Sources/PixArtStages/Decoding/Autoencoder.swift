import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// One half of a checkpoint's part `vae`, of either class, from its `config.json`.
struct Autoencoder: Sendable {
    enum Half: String, Sendable, CustomStringConvertible {
        case decoder, encoder

        var description: String { rawValue }
    }

    private enum Network: Sendable {
        case variational(VAEConfiguration)
        case tiny(TinyConfiguration)
    }

    private let network: Network
    /// The latents of the denoiser are the latents of the network times this.
    let scalingFactor: Float

    /// Fails with `.model`.
    init(_ file: ConfigurationFile, for half: Half) throws(PixArtError) {
        try file.requireKnownQuantization()
        let name = try file.string("_class_name", default: "AutoencoderKL")
        switch name {
        case "AutoencoderKL": network = .variational(try VAEConfiguration(file, for: half))
        case "AutoencoderTiny": network = .tiny(try TinyConfiguration(file, for: half))
        default:
            throw file.unsupported(
                "_class_name", found: "\"\(name)\"", ["\"AutoencoderKL\"", "\"AutoencoderTiny\""])
        }
        try file.require(half == .decoder ? "out_channels" : "in_channels", .integer(3))
        let ownFactor = name == "AutoencoderKL" ? 0.18215 : 1
        scalingFactor = Float(try file.number("scaling_factor", in: 1e-6...1e6, default: ownFactor))
        try file.require("shift_factor", .number(0))
        for key in ["latents_mean", "latents_std"] where !file.isAbsent(key) {
            throw file.unsupported(key, found: "set", ["null"])
        }
    }

    var latentChannels: Int {
        switch network {
        case .variational(let configuration): configuration.latentChannels
        case .tiny(let configuration): configuration.latentChannels
        }
    }

    /// The members of reports, by the keys of `config.json`.
    var architecture: [Name: JSONValue] {
        let name =
            switch network {
            case .variational: "AutoencoderKL"
            case .tiny: "AutoencoderTiny"
            }
        return [
            "_class_name": .string(name), "latent_channels": .integer(Int64(latentChannels)),
            "scaling_factor": .number(Double(scalingFactor)),
        ]
    }

    /// Pixels along one side of a latent.
    var scale: Int {
        switch network {
        case .variational(let configuration): configuration.scale
        case .tiny(let configuration): configuration.scale
        }
    }

    /// The decoder's network with its weights. Fails with `.model`.
    func decoder(_ reader: WeightReader) throws(PixArtError) -> any AutoencoderDecoder {
        switch network {
        case .variational(let configuration): try VAEDecoder(configuration, reader)
        case .tiny(let configuration): try TinyDecoder(configuration, reader)
        }
    }

    /// The encoder's network with its weights. Fails with `.model`.
    func encoder(_ reader: WeightReader) throws(PixArtError) -> any AutoencoderEncoder {
        switch network {
        case .variational(let configuration): try VAEEncoder(configuration, reader)
        case .tiny(let configuration): try TinyEncoder(configuration, reader)
        }
    }

    /// Bytes that decoding images of these sizes allocates. `ownSide` is the side of an image whose size is nil.
    func decodingBytes(_ options: DecoderMemoryOptions, ownSide: Int, _ pool: ThreadPool) -> Int {
        let (images, height, width) = latentSize(options.images, ownSide: ownSide)
        let bytes =
            switch network {
            case .variational(let configuration):
                VAEDecoder.activationBytes(
                    configuration, latentHeight: height, latentWidth: width, lowMemory: options.lowMemory, pool)
            case .tiny(let configuration):
                TinyDecoder.activationBytes(configuration, latentHeight: height, latentWidth: width, pool)
            }
        // The latents and images are those of the whole batch, which is decoded image by image.
        return images * height * width * (2 * 4 * latentChannels + 3 * scale * scale) + bytes
    }

    /// Bytes that encoding images of these sizes allocates. `ownSide` is the side of an image whose size is nil.
    func encodingBytes(_ sizes: ImageSizeOptions, ownSide: Int, _ pool: ThreadPool) -> Int {
        let (images, latentHeight, latentWidth) = latentSize(sizes, ownSide: ownSide)
        let (height, width) = (latentHeight * scale, latentWidth * scale)
        let bytes =
            switch network {
            case .variational(let configuration):
                VAEEncoder.activationBytes(configuration, height: height, width: width, pool)
            case .tiny(let configuration):
                TinyEncoder.activationBytes(configuration, height: height, width: width, pool)
            }
        // The latents and the noise are those of the whole batch, which is encoded image by image.
        return images * latentHeight * latentWidth * 2 * 4 * latentChannels + bytes
    }

    /// The number of images, and the size of their latents.
    private func latentSize(_ sizes: ImageSizeOptions, ownSide: Int) -> (images: Int, height: Int, width: Int) {
        let height = ((sizes.height ?? ownSide) + scale - 1) / scale
        let width = ((sizes.width ?? ownSide) + scale - 1) / scale
        return (sizes.imagesPerPrompt, height, width)
    }
}

/// The decoder of the part `vae`.
package struct DecoderDescription: NetworkDescription {
    let autoencoder: Autoencoder

    package init(_ checkpoint: Checkpoint) throws(PixArtError) {
        autoencoder = try Autoencoder(checkpoint.configuration(.vae), for: .decoder)
    }

    package func network(_ reader: WeightReader, compute: ComputePrecision, streamed: Bool) throws(PixArtError)
        -> any AutoencoderDecoder
    {
        try autoencoder.decoder(reader)
    }

    package var architecture: [Name: JSONValue] { autoencoder.architecture }

    package func activationBytes(
        _ options: DecoderMemoryOptions, compute: ComputePrecision, ownSide: Int, _ pool: ThreadPool
    ) -> Int {
        autoencoder.decodingBytes(options, ownSide: ownSide, pool)
    }
}

/// The encoder of the part `vae`.
package struct ImageEncoderDescription: NetworkDescription {
    let autoencoder: Autoencoder

    package init(_ checkpoint: Checkpoint) throws(PixArtError) {
        autoencoder = try Autoencoder(checkpoint.configuration(.vae), for: .encoder)
    }

    package func network(_ reader: WeightReader, compute: ComputePrecision, streamed: Bool) throws(PixArtError)
        -> any AutoencoderEncoder
    {
        try autoencoder.encoder(reader)
    }

    package var architecture: [Name: JSONValue] { autoencoder.architecture }

    package func activationBytes(
        _ options: ImageEncoderMemoryOptions, compute: ComputePrecision, ownSide: Int, _ pool: ThreadPool
    ) -> Int {
        autoencoder.encodingBytes(options.images, ownSide: ownSide, pool)
    }
}
