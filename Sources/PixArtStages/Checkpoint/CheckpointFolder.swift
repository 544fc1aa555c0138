import PixArtFormats
import PixArtStorage

/// Errors for a path that is not the folder of a checkpoint.
enum CheckpointFolder {
    private static let expected = "expected a folder, a file of weights, or the id of a repository in the Hub's cache"

    /// The error if there is nothing at `path`, or if it cannot be read.
    static func missing(_ path: String, reason: String) -> PixArtError {
        if path.contains("://") {
            return .file("\(path): is an address, and nothing is downloaded here; \(expected)")
        }
        return .file("\(path): cannot be opened: \(reason)")
    }
}
