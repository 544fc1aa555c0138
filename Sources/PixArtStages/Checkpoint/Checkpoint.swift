import Glibc
import PixArtFormats
import PixArtStorage

/// A folder in the diffusers layout: parts in subfolders, and an index that names the pipeline.
package struct Checkpoint: Sendable {
    package let folder: String
    /// PixArt-alpha's if there is no index.
    package let pipeline: Pipeline

    /// Fails with `.file` if there is no such folder, and with `.model` if its index names another pipeline.
    package init(folder: String) throws(PixArtError) {
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw CheckpointFolder.missing(folder, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CheckpointFolder.file(folder)
        }
        self.folder = folder
        // A folder without an index is a partial checkpoint. Opening a part fails if the part is missing.
        let index = "\(folder)/model_index.json"
        guard stat(index, &status) == 0 else {
            if let fault = CheckpointFolder.misplaced(folder) { throw fault }
            pipeline = .alpha
            return
        }
        let file = try ConfigurationFile(path: index)
        let name = try file.string("_class_name")
        guard let pipeline = Pipeline(rawValue: name) else {
            let known = Pipeline.allCases.map { "\"\($0.rawValue)\"" }
            throw file.unsupported("_class_name", found: "\"\(name)\"", known)
        }
        self.pipeline = pipeline
    }

    /// The path of a file or folder in the checkpoint.
    package func path(_ relative: String) -> String { "\(folder)/\(relative)" }

    /// Whether the checkpoint has a file or folder of this name.
    package func contains(_ relative: String) -> Bool {
        var status = stat()
        return stat(path(relative), &status) == 0
    }

    /// A part's configuration.
    package func configuration(_ relative: String) throws(PixArtError) -> ConfigurationFile {
        try ConfigurationFile(path: path(relative))
    }
}

/// The diffusers pipeline of a checkpoint: the class that its `model_index.json` names.
///
/// The other differences between PixArt-alpha and PixArt-Sigma (size conditions, position scale, latents) are in the
/// configurations of the parts.
package enum Pipeline: String, CaseIterable, Sendable {
    case alpha = "PixArtAlphaPipeline"
    case sigma = "PixArtSigmaPipeline"

    /// The default of `max_sequence_length`.
    var maximumTokens: Int { self == .alpha ? 120 : 300 }

    /// Whether runs of one step end at the predicted original by default.
    var endsSingleStepAtOriginal: Bool { self == .alpha }
}

/// The stages that a host can open, by their verbs.
package enum Stage: String, CaseIterable, Sendable {
    case encode
    case denoise
    case decode
    case imageEncode = "image_encode"

    /// The part whose weights it uses.
    package var part: Part {
        switch self {
        case .encode: .textEncoder
        case .denoise: .transformer
        case .decode, .imageEncode: .vae
        }
    }
}

/// A part of a checkpoint that has weights: a subfolder with a configuration and safetensors.
package enum Part: String, CaseIterable, Sendable {
    case textEncoder = "text_encoder"
    case transformer
    case vae

    /// The path of its configuration in the checkpoint.
    package var configuration: String { "\(rawValue)/config.json" }

    /// The name of its weight files, without the variant and the extension.
    package var stem: String { self == .textEncoder ? "model" : "diffusion_pytorch_model" }

    /// The folder of a checkpoint that belongs to this part: neither is useful without the other.
    package var companion: String? {
        switch self {
        case .textEncoder: "tokenizer"
        case .transformer: "scheduler"
        case .vae: nil
        }
    }

    /// The files of the companion that a conversion copies: all files of T5's tokenizers and of schedulers.
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
