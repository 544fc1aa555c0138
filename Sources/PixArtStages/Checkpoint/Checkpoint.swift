import Glibc
import PixArtFormats
import PixArtStorage

/// A folder in the diffusers layout: parts in subfolders, and an index that names the pipeline they make up.
package struct Checkpoint: Sendable {
    package let folder: String
    /// PixArt-alpha's where there is no index.
    package let pipeline: Pipeline

    /// Fails with `.file` where there is no such folder, and with `.model` where its index names another pipeline.
    package init(folder: String) throws(PixArtError) {
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw CheckpointFolder.missing(folder, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CheckpointFolder.file(folder)
        }
        self.folder = folder
        // A folder without an index is a partial checkpoint: whoever asks for a part finds out whether it is there.
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

    /// The path of something in the folder.
    package func path(_ relative: String) -> String { "\(folder)/\(relative)" }

    /// Whether there is something of this name in the folder.
    package func contains(_ relative: String) -> Bool {
        var status = stat()
        return stat(path(relative), &status) == 0
    }

    /// A part's configuration.
    package func configuration(_ relative: String) throws(PixArtError) -> ConfigurationFile {
        try ConfigurationFile(path: path(relative))
    }
}
