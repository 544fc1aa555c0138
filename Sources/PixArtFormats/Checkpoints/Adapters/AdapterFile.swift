import Glibc
import PixArtStorage

/// An adapter on disk: its weights, and the configuration of PEFT beside them.
struct AdapterFile: Sendable {
    let source: any WeightSource
    /// The configuration; nil if there is none.
    let settings: AdapterSettings?

    /// Opens a file, or a folder as PEFT or diffusers saves it, or such a folder in the Hub's cache. Fails with `.file`,
    /// `.format` and `.model`.
    init(path: String) throws(PixArtError) {
        var status = stat()
        var path = path
        if stat(path, &status) != 0 {
            guard errno == ENOENT, let id = HubID(path), id.hasOrganization else {
                throw .system(path, "cannot be opened")
            }
            path = try HubCache().snapshot(id)
            guard stat(path, &status) == 0 else { throw .system(path, "cannot be opened") }
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let file = isFolder ? try Self.file(in: path) : path
        source = try WeightFile.open(file)
        let names = source.names
        guard names.contains(where: { AdapterKey($0)?.naming.isPEFT ?? (AdapterLeaf.refusal($0) != nil) }) else {
            settings = nil
            return
        }
        let found = Self.configurations(of: file).first { access($0, F_OK) == 0 }
        settings = try found.map { path throws(PixArtError) in try AdapterSettings(path: path) }
    }

    private static let files = [
        "adapter_model.safetensors", "adapter_model.bin", "pytorch_lora_weights.safetensors",
        "pytorch_lora_weights.bin",
    ]

    private static func file(in folder: String) throws(PixArtError) -> String {
        for name in files where access("\(folder)/\(name)", F_OK) == 0 { return "\(folder)/\(name)" }
        throw .file("\(folder): holds no adapter: looked for \(files.joined(separator: ", "))")
    }

    /// Where the configuration of a file may lie.
    private static func configurations(of file: String) -> [String] {
        let folder = file.contains("/") ? String(file[..<file.lastIndex(of: "/")!]) : "."
        return [
            "\(file).json", "\(file).config.json", "\(folder)/adapter_config.json", "\(folder)/../adapter_config.json",
        ]
    }
}
