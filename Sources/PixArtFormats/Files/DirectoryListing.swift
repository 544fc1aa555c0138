import Glibc
import PixArtStorage

/// Names of the entries of a folder.
struct DirectoryListing {
    let names: Set<Name>

    /// Lists `path`. Fails with `.file` naming it, and with `.memory`.
    init(path: String) throws(PixArtError) {
        guard let folder = opendir(path) else { throw .system(path, "cannot be opened as a folder") }
        defer { closedir(folder) }
        var names: Set<Name> = []
        while let entry = readdir(folder) {
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let start = UnsafeRawPointer(entry) + offset
            names.insert(Name(String(cString: start.assumingMemoryBound(to: CChar.self))))
        }
        self.names = names
    }

    func contains(_ name: String) -> Bool { names.contains(Name(name)) }

    /// What a folder without the expected weights has instead, as the end of a message.
    func hint(stem: String) -> String {
        var hints: [String] = []
        if contains("\(stem).safetensors") || contains("\(stem).safetensors.index.json") {
            hints.append("there are weights without a variant")
        }
        let names = names.map(\.text)
        let variants = Set(names.compactMap { variant(of: $0, stem: stem) }).sorted()
        if !variants.isEmpty {
            hints.append("there are weights of variant \(variants.map { "\"\($0)\"" }.joined(separator: ", "))")
        }
        let pickles = names.filter { name in [".bin", ".pth", ".pt", ".ckpt"].contains { name.hasSuffix($0) } }.sorted()
        if !pickles.isEmpty {
            hints.append(
                "there are Python pickles under other names (\(pickles.joined(separator: ", "))); name the file itself")
        }
        for (suffixes, reason) in Self.others {
            let files = names.filter { name in suffixes.contains { name.hasSuffix($0) } }.sorted()
            if !files.isEmpty { hints.append("\(files.joined(separator: ", ")) \(reason)") }
        }
        return hints.map { "; \($0)" }.joined()
    }

    /// Weights that are incomplete or in an unsupported format, by their names.
    private static let others: [(suffixes: [String], reason: String)] = [
        (
            [".incomplete", ".part", ".crdownload", ".aria2", ".download", ".tmp"],
            "is of an interrupted download; finish it"
        ),
        ([".gguf"], "is GGUF; name the file itself"), ([".onnx", ".onnx_data"], "is ONNX, which is not read"),
        (["openvino_model.xml", "openvino_model.bin"], "is OpenVINO, which is not read"),
        ([".msgpack", ".h5"], "is of Flax or TensorFlow, which is not read"),
    ]

    /// The variant of a weight file or an index.
    private func variant(of name: String, stem: String) -> String? {
        let variant =
            part(of: name, after: "\(stem).safetensors.index.", before: ".json")
            ?? part(of: name, after: "\(stem).", before: ".safetensors")
        return variant.flatMap { $0.contains("-of-") ? nil : $0 }
    }

    /// The text between two others that are all of `name`, if there is any.
    private func part(of name: String, after prefix: String, before suffix: String) -> String? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else {
            return nil
        }
        return String(name.dropFirst(prefix.count).dropLast(suffix.count))
    }
}
