import PixArtFormats
import PixArtStorage

/// A part of a checkpoint that has weights: a subfolder with a configuration and safetensors.
package enum Part: String, CaseIterable, Sendable {
    case textEncoder = "text_encoder"
    case transformer
    case vae

    /// Where its configuration is in the checkpoint.
    package var configuration: String { "\(rawValue)/config.json" }

    /// The name of its weight files up to the variant.
    package var stem: String { self == .textEncoder ? "model" : "diffusion_pytorch_model" }

    /// A folder of a checkpoint that is of no use without this part, nor it without the folder.
    package var companion: String? {
        switch self {
        case .textEncoder: "tokenizer"
        case .transformer: "scheduler"
        case .vae: nil
        }
    }

    /// The files of the companion that a conversion copies: all that T5's tokenizers and schedulers consist of.
    package var companionFiles: [String] {
        switch self {
        case .textEncoder:
            [
                "spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                "added_tokens.json",
            ]
        case .transformer: ["scheduler_config.json"]
        case .vae: []
        }
    }
}

extension Checkpoint {
    /// The weights of a part.
    package func weights(_ part: Part, variant: String?) throws(PixArtError) -> WeightFolder {
        try WeightFolder(folder: path(part.rawValue), stem: part.stem, variant: variant)
    }
}
