import PixArtStorage

/// The weights of one part of a checkpoint in the diffusers layout, such as its folder `transformer`: a file, or several
/// shards and the index of which tensor is in which. Safetensors are preferred to PyTorch's pickles.
package final class WeightFolder: WeightSource {
    /// The names of a part's weight files up to their variant.
    package struct Stems: Sendable {
        package let safetensors: String
        let pickle: String

        package init(safetensors: String, pickle: String) {
            self.safetensors = safetensors
            self.pickle = pickle
        }
    }

    /// The folder's path.
    package let location: String
    /// Paths of the weight files, and of their index if there is one.
    package let paths: [String]
    private let files: [any WeightSource]
    /// Which of `files` holds a tensor.
    private let fileIndices: [Name: Int]

    /// Opens the weights in `folder`: `<stem>.safetensors`, or else the shards of `<stem>.safetensors.index.json`, or else
    /// the same with `.bin`. With a `variant`: `<stem>.<variant>.safetensors` or `<stem>.safetensors.index.<variant>.json`.
    ///
    /// An index must list exactly the tensors of its shards, and shards lie in the folder itself. Fails with `.option`
    /// if `variant` cannot be part of a file name; with `.file` if a file is missing, saying what was looked for and
    /// what is there instead; and with `.format`, naming the file and the tensor.
    package init(folder: String, _ stems: Stems, variant: String?) throws(PixArtError) {
        if let variant, variant.isEmpty || variant.utf8.contains(UInt8(ascii: "/")) || variant.utf8.contains(0) {
            throw .option("option \"variant\" is \"\(variant)\"; expected a part of a file name")
        }
        location = folder
        let content = try DirectoryListing(path: folder)
        let middle = variant.map { ".\($0)" } ?? ""
        let candidates = [(stems.safetensors, "safetensors"), (stems.pickle, "bin")].map { stem, ending in
            (whole: "\(stem)\(middle).\(ending)", index: "\(stem).\(ending).index\(middle).json")
        }
        for (whole, index) in candidates {
            if content.contains(whole) {
                let file = try WeightFile.open("\(folder)/\(whole)")
                files = [file]
                paths = [file.location]
                fileIndices = Dictionary(file.names.map { (Name($0), 0) }, uniquingKeysWith: { first, _ in first })
                return
            }
            if content.contains(index) {
                (files, fileIndices) = try ShardIndex(path: "\(folder)/\(index)").open(folder: folder, content: content)
                paths = ["\(folder)/\(index)"] + files.map(\.location)
                return
            }
        }
        throw .file(
            "\(folder): no weights: looked for \(candidates[0].whole) and \(candidates[0].index), and for .bin files"
                + content.hint(stem: stems.safetensors))
    }

    /// Whether there are weights without a variant in `folder`.
    package static func has(_ stems: Stems, in folder: String) -> Bool {
        guard let content = try? DirectoryListing(path: folder) else { return false }
        return [(stems.safetensors, "safetensors"), (stems.pickle, "bin")].contains { stem, ending in
            content.contains("\(stem).\(ending)") || content.contains("\(stem).\(ending).index.json")
        }
    }

    package var names: [String] { fileIndices.keys.map(\.text) }

    package var metadata: [Name: String] { files.count == 1 ? files[0].metadata : [:] }

    package func shape(of name: String) -> [Int]? { fileIndices[name].flatMap { files[$0].shape(of: name) } }

    /// The tensor called `name`, or nil if there is none. Fails with `.model` if its type is not an `ElementType`.
    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard let index = fileIndices[name] else { return nil }
            return try files[index][name]
        }
    }
}
