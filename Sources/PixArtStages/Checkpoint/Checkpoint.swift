import Glibc
import PixArtFormats
import PixArtStorage

/// A model on disk: a folder in the diffusers layout, the folder of a single part, or a file of weights.
package struct Checkpoint: Sendable {
    package let location: ModelLocation
    /// PixArt-alpha's if nothing says otherwise.
    package let pipeline: Pipeline
    private let source: SourceOptions
    /// A single file, and the networks that it holds.
    private let file: SingleFile?

    /// Opens what `model` leads to: a path, or an id in the Hub's cache. Fails with `.file` if there is nothing, and with
    /// `.model` if its index names another pipeline.
    package init(model: String, _ source: SourceOptions) throws(PixArtError) {
        location = try ModelLocation(model)
        self.source = source
        if case .file(let path) = location {
            file = try SingleFile(path: path, weights: source.weights)
        } else {
            file = nil
        }
        pipeline = try Self.pipeline(at: location, file)
    }

    private static func pipeline(
        at location: ModelLocation, _ file: SingleFile?
    ) throws(PixArtError) -> Pipeline {
        guard case .pipeline(let folder) = location else {
            // The learned null caption has a row for each token.
            guard let weights = try file?.network(.transformer) else { return .alpha }
            let caption = weights.source.shape(of: "caption_projection.y_embedding")
            return caption?.first == Pipeline.sigma.maximumTokens ? .sigma : .alpha
        }
        // A folder without an index is a partial checkpoint: whoever asks for a part finds out whether it is there.
        let index = "\(folder)/model_index.json"
        guard ModelLocation.isListed(index) else { return .alpha }
        let configuration = try ConfigurationFile(path: index)
        let name = try configuration.string("_class_name")
        guard let pipeline = Pipeline(rawValue: name) else {
            let known = Pipeline.allCases.map { "\"\($0.rawValue)\"" }
            throw configuration.unsupported("_class_name", found: "\"\(name)\"", known)
        }
        return pipeline
    }

    // MARK: Parts

    /// The path of a part's configuration; nil if it has none.
    package func configurationPath(_ part: Part) -> String? {
        let path: String
        switch location {
        case .pipeline(let folder): path = "\(folder)/\(part.configuration)"
        case .part(let folder): path = "\(folder)/config.json"
        case .file: return nil
        }
        return ModelLocation.isListed(path) ? path : nil
    }

    /// Whether the part may be there: of a single file or a part's folder, the weights tell.
    package func contains(_ part: Part) -> Bool {
        switch location {
        case .pipeline: configurationPath(part) != nil
        case .part, .file: (try? canonical(part)) != nil
        }
    }

    /// A part's configuration: its file, or what its tensors say if it has none. The option `config` adds to it.
    package func configuration(_ part: Part) throws(PixArtError) -> ConfigurationFile {
        let configuration: ConfigurationFile
        // The folder of another part is refused before its configuration is read.
        if case .part = location { _ = try canonical(part) }
        if let path = configurationPath(part) {
            configuration = try ConfigurationFile(path: path)
        } else if case .pipeline(let folder) = location {
            configuration = try ConfigurationFile(path: "\(folder)/\(part.configuration)")
        } else {
            configuration = try DerivedConfiguration(part, canonical(part), file?.raw).file
        }
        return configuration.replacing(source.configuration)
    }

    /// The weights of a part, under the names of diffusers and transformers. Fails with `.file`, `.format` and `.model`.
    package func weights(_ part: Part) throws(PixArtError) -> any WeightSource {
        if case .pipeline(let folder) = location {
            let raw = try WeightFolder(folder: "\(folder)/\(part.rawValue)", part.stems, variant: source.variant)
            // What is no such network is refused tensor by tensor.
            if let weights = try CanonicalWeights(raw, kinds: part.kinds) { return weights.source }
            return try UnpackedSource(raw)
        }
        return try canonical(part).source
    }

    private func canonical(_ part: Part) throws(PixArtError) -> CanonicalWeights {
        let raw: any WeightSource
        if case .part(let folder) = location {
            raw = try WeightFolder(folder: folder, part.stems, variant: source.variant)
            if let weights = try CanonicalWeights(raw, kinds: part.kinds) { return weights }
        } else {
            guard let file else { preconditionFailure("a pipeline's folder has no single file") }
            raw = file.raw
            if let weights = try file.network(part) { return weights }
        }
        let other = try CanonicalWeights(raw)
        let found = other.map { "holds the weights of \($0.kind.description)" } ?? ForeignModel.found(in: raw)
        throw .model("\(raw.location): \(found); expected those of \(part.description)")
    }

    /// Where the weights of a part come from.
    func origin(_ part: Part) throws(PixArtError) -> PartOrigin {
        let weights = try weights(part)
        let canonical: CanonicalWeights?
        var assumed: [Name: JSONValue] = [:]
        if case .pipeline(let folder) = location {
            canonical = try CanonicalWeights(
                WeightFolder(folder: "\(folder)/\(part.rawValue)", part.stems, variant: source.variant),
                kinds: part.kinds)
        } else {
            let found = try self.canonical(part)
            canonical = found
            if configurationPath(part) == nil {
                let derived = try DerivedConfiguration(part, found, file?.raw)
                for key in derived.assumed where source.configuration[key] == nil { assumed[key] = derived.file[key] }
            }
        }
        return PartOrigin(
            form: WeightFile.form(of: weights), names: canonical?.names ?? .diffusers, prefix: canonical?.prefix ?? "",
            assumed: assumed)
    }

    // MARK: Companions

    /// Where the files of a part's companion may lie, such as those of the tokenizer.
    func companionFolders(_ part: Part) -> [String] {
        guard let companion = part.companion else { return [] }
        switch location {
        case .pipeline(let folder): return ["\(folder)/\(companion)"]
        case .part(let folder): return [folder, "\(folder)/\(companion)", "\(folder)/../\(companion)"]
        case .file(let path):
            let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            let base = path.contains("/") ? (folder.isEmpty ? "/" : folder) : "."
            return [base, "\(base)/\(companion)", "\(base)/../\(companion)"]
        }
    }

    /// The first of the files of these names in a part's companion that is there.
    func companionFile(_ part: Part, _ names: [String]) -> String? {
        for folder in companionFolders(part) {
            for name in names where ModelLocation.isListed("\(folder)/\(name)") { return "\(folder)/\(name)" }
        }
        return nil
    }

    /// The tokenizer that the file of weights carries, as a `spiece.model`.
    func ownSentencePieceModel() throws(PixArtError) -> [UInt8]? {
        if let stored = try carriedTokenizer() {
            defer { withExtendedLifetime(stored) {} }
            return Array(stored.bytes)
        }
        return try (file?.raw as? GGUFFile)?.sentencePieceModel()
    }

    /// A whole `spiece.model` as a tensor of bytes, as ComfyUI stores it.
    private func carriedTokenizer() throws(PixArtError) -> StoredTensor? {
        guard let stored = try file?.raw["spiece_model"] else { return nil }
        guard stored.type == .uint8 else {
            throw .format("\(stored.location): tensor \"spiece_model\" has type \(stored.type.rawValue); expected U8")
        }
        return stored
    }

    /// The tokenizer that the file of weights carries.
    func ownTokenizer() throws(PixArtError) -> Tokenizer? {
        if let stored = try carriedTokenizer() {
            defer { withExtendedLifetime(stored) {} }
            let source = "\(stored.location): tensor \"spiece_model\""
            return Tokenizer(try UnigramModel(sentencePiece: stored.bytes, source: source))
        }
        guard let file = file?.raw as? GGUFFile else { return nil }
        return try UnigramModel(gguf: file).map { Tokenizer($0) }
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

/// A part of a checkpoint that has weights.
package enum Part: String, CaseIterable, Sendable {
    case textEncoder = "text_encoder"
    case transformer
    case vae
    case controlNet = "controlnet"

    /// The path of its configuration in the checkpoint.
    package var configuration: String { "\(rawValue)/config.json" }

    /// The names of its weight files up to the variant.
    package var stems: WeightFolder.Stems {
        self == .textEncoder
            ? .init(safetensors: "model", pickle: "pytorch_model")
            : .init(safetensors: "diffusion_pytorch_model", pickle: "diffusion_pytorch_model")
    }

    /// The networks that it may be.
    var kinds: [NetworkKind] {
        switch self {
        case .textEncoder: [.textEncoder]
        case .transformer: [.transformer]
        case .vae: [.autoencoder, .tinyAutoencoder]
        case .controlNet: [.controlNet]
        }
    }

    /// For messages.
    var description: String {
        switch self {
        case .textEncoder: "a T5 encoder"
        case .transformer: "a PixArt transformer"
        case .vae: "a VAE"
        case .controlNet: "a ControlNet"
        }
    }

    /// Whether a folder has files of weights of this part.
    func isWeighed(in folder: String) -> Bool { WeightFolder.has(stems, in: folder) }

    /// The folder of a checkpoint that belongs to this part: neither is useful without the other.
    package var companion: String? {
        switch self {
        case .textEncoder: "tokenizer"
        case .transformer: "scheduler"
        case .vae, .controlNet: nil
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
        case .vae, .controlNet: []
        }
    }
}

extension NetworkKind {
    /// For messages.
    var description: String {
        switch self {
        case .transformer: "a PixArt transformer"
        case .textEncoder: "a T5 encoder"
        case .autoencoder: "a VAE"
        case .tinyAutoencoder: "a tiny autoencoder"
        case .controlNet: "a ControlNet"
        }
    }
}
