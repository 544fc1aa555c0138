import PixArtCompute
import PixArtFormats
import PixArtNetworks

/// A part of a checkpoint that has weights: a subfolder with a configuration and safetensors.
package enum Part: String, CaseIterable, Sendable {
    case textEncoder = "text_encoder"
    case transformer
    case vae

    /// Where its configuration is in the checkpoint.
    package var configuration: String { "\(rawValue)/config.json" }

    /// The name of its weight files up to the variant.
    package var stem: String { self == .textEncoder ? "model" : "diffusion_pytorch_model" }

    /// Folders of a checkpoint that are of no use without this part, nor it without them.
    package var companions: [String] {
        switch self {
        case .textEncoder: ["tokenizer"]
        case .transformer: ["scheduler"]
        case .vae: []
        }
    }
}

extension Checkpoint {
    /// The weights of a part.
    package func weights(_ part: Part, variant: String?) throws(PixArtError) -> WeightFolder {
        try WeightFolder(folder: path(part.rawValue), stem: part.stem, variant: variant)
    }

    /// Takes a stage's weights from `reader` as its network does, which checks them, and drops the network. The reader
    /// then knows what is to be held how.
    package func survey(_ stage: Stage, _ reader: WeightReader) throws(PixArtError) {
        let file = try configuration(stage.part.configuration)
        switch stage {
        case .encode: _ = try T5Encoder(T5Encoder.Configuration(file), reader)
        case .denoise: _ = try PixArtTransformer(PixArtTransformer.Configuration(file), reader)
        case .decode: _ = try Autoencoder(file, for: .decoder).decoder(reader)
        case .encodeImage: _ = try Autoencoder(file, for: .encoder).encoder(reader)
        }
    }
}
