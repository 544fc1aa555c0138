import PixArtStorage

/// The weights of one part of a checkpoint in the diffusers layout, such as its folder `transformer`: one safetensors
/// file, or several shards with an index.
package final class WeightFolder: WeightSource {
    /// The folder's path.
    package let location: String
    /// Paths of the weight files, and of their index if there is one.
    package let paths: [String]
    private let files: [SafetensorsFile]
    /// The file of each tensor.
    private let fileIndices: [Name: Int]

    /// Opens the weights in `folder`: `<stem>.safetensors`, or else the shards of `<stem>.safetensors.index.json`.
    /// With a `variant`, opens `<stem>.<variant>.safetensors`, or else `<stem>.safetensors.index.<variant>.json`.
    ///
    /// - Parameters:
    ///   - stem: "diffusion_pytorch_model" (transformer, vae) or "model" (text_encoder).
    ///   - variant: such as "fp16", or nil.
    ///
    /// An index must list exactly the tensors of its shards, and shards must lie in the folder itself. Fails with
    /// `.option` if `variant` cannot be part of a file name. Fails with `.file` if a file is missing, naming the
    /// expected files and what the folder has instead. Fails with `.format` naming the file and the tensor.
    package init(folder: String, stem: String, variant: String?) throws(PixArtError) {
        if let variant, variant.isEmpty || variant.utf8.contains(UInt8(ascii: "/")) || variant.utf8.contains(0) {
            throw .option("option \"variant\" is \"\(variant)\"; expected a part of a file name")
        }
        location = folder
        let content = try DirectoryListing(path: folder)
        let whole = variant.map { "\(stem).\($0).safetensors" } ?? "\(stem).safetensors"
        let index = variant.map { "\(stem).safetensors.index.\($0).json" } ?? "\(stem).safetensors.index.json"
        if content.contains(whole) {
            let file = try SafetensorsFile(path: "\(folder)/\(whole)")
            files = [file]
            paths = [file.location]
            fileIndices = Dictionary(file.names.map { (Name($0), 0) }, uniquingKeysWith: { first, _ in first })
        } else if content.contains(index) {
            (files, fileIndices) = try ShardIndex(path: "\(folder)/\(index)").open(folder: folder, content: content)
            paths = ["\(folder)/\(index)"] + files.map(\.location)
        } else {
            throw .file("\(folder): no weights: looked for \(whole) and \(index)\(content.hint(stem: stem))")
        }
    }

    package var names: [String] { fileIndices.keys.map(\.text) }

    /// The tensor called `name`; nil if there is none. Fails with `.model` if its type is not an `ElementType`.
    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard let index = fileIndices[name] else { return nil }
            return try files[index][name]
        }
    }
}
