import Glibc
import PixArtFormats
import PixArtStorage

/// What the argument `model` of a call leads to.
package enum ModelLocation: Sendable {
    /// A folder with parts in subfolders, as a pipeline of diffusers is saved.
    case pipeline(folder: String)
    /// A folder with the files of a single part.
    case part(folder: String)
    /// A file of weights.
    case file(String)

    /// Looks at what is at the path `model`, or in the Hub's cache if there is nothing and `model` is an id. Fails with
    /// `.file`, saying what was found and what was expected.
    init(_ model: String) throws(PixArtError) {
        var status = stat()
        if stat(model, &status) != 0 {
            let reason = String(cString: strerror(errno))
            guard errno == ENOENT || errno == ENOTDIR, let id = HubID(model), id.hasOrganization || !model.contains(".")
            else { throw CheckpointFolder.missing(model, reason: reason) }
            self = try Self.folder(HubCache().snapshot(id))
        } else if status.st_mode & S_IFMT == S_IFDIR {
            self = try Self.folder(model)
        } else {
            self = .file(model)
        }
    }

    /// Whether there is something of this name, even if it is a link that leads nowhere: an interrupted download leaves
    /// such links, and to read on without the file would be to guess.
    static func isListed(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func folder(_ path: String) throws(PixArtError) -> ModelLocation {
        func has(_ name: String) -> Bool { isListed("\(path)/\(name)") }
        if has("model_index.json") || Part.allCases.contains(where: { has($0.rawValue) }) {
            return .pipeline(folder: path)
        }
        if has("snapshots"), has("blobs") || has("refs") {
            throw .file(
                "\(path): is a repository in the Hub's cache; expected its id, or one of the folders in \(path)/snapshots"
            )
        }
        return has("config.json") || Part.allCases.contains { $0.isWeighed(in: path) }
            ? .part(folder: path) : .pipeline(folder: path)
    }

    /// What it is, for reports.
    var kind: String {
        switch self {
        case .pipeline: "pipeline"
        case .part: "part"
        case .file: "file"
        }
    }

    /// The path, which may be that of a snapshot in the Hub's cache.
    package var path: String {
        switch self {
        case .pipeline(let path), .part(let path), .file(let path): path
        }
    }
}
