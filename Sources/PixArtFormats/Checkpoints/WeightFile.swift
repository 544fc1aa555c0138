import PixArtStorage

/// A file of weights, whatever it is: safetensors, GGUF or a PyTorch checkpoint.
package enum WeightFile {
    /// Opens the file at `path`, which its first bytes tell apart; its extension is not looked at. `weights` is "ema" for
    /// the moving average of a training checkpoint. Fails with `.file`, `.format` and `.model` naming the file.
    package static func open(_ path: String, weights: String? = nil) throws(PixArtError) -> any WeightSource {
        switch FileKind(try MappedFile(path: path)) {
        case .gguf: try GGUFFile(path: path)
        case .torchArchive, .legacyTorch: try TorchFile(path: path, weights: weights)
        // The pickle may lie behind other entries.
        case .zip where TorchFile.isArchive(path): try TorchFile(path: path, weights: weights)
        default: try SafetensorsFile(path: path)
        }
    }

    /// What the files of a source are, for reports.
    package static func form(of source: any WeightSource) -> String {
        guard let path = source.paths.last, let kind = (try? MappedFile(path: path)).flatMap(FileKind.init) else {
            return "safetensors"
        }
        switch kind {
        case .gguf: return "gguf"
        case .torchArchive, .legacyTorch, .zip: return "pickle"
        default: return "safetensors"
        }
    }
}
