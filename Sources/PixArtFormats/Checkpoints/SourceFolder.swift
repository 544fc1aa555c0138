import Glibc
import PixArtStorage

/// A folder whose files are copied. Only files in the folder itself are copied, and no file outside it that a link
/// leads to: the folder may come from somebody else, and the copies may be published.
///
/// The Hub's cache is the exception: the files in `<repository>/snapshots` are links into `<repository>/blobs`.
package struct SourceFolder {
    package let path: String
    /// Folders whose files may be copied: paths without links, with a final slash.
    private let allowedFolders: [String]

    /// Fails with `.file` naming the folder.
    package init(path: String) throws(PixArtError) {
        self.path = path
        let folder = try Self.resolved(path)
        let names = folder.unicodeScalars.split(separator: "/").map { String($0) }
        var allowedFolders = ["/" + names.map { $0 + "/" }.joined()]
        if let snapshots = names.lastIndex(of: "snapshots"), snapshots < names.count - 1 {
            allowedFolders.append("/" + (names[..<snapshots] + ["blobs"]).map { $0 + "/" }.joined())
        }
        self.allowedFolders = allowedFolders
    }

    /// The path, without links, of a file in the folder; nil if there is none. Fails with `.file` naming the file
    /// if it is not a regular file, or if a link is broken or leads out of the folder.
    package func file(_ relative: String) throws(PixArtError) -> String? {
        let path = "\(self.path)/\(relative)"
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system(path, "cannot be opened")
        }
        let file = try Self.resolved(path)
        guard allowedFolders.contains(where: { file.utf8.starts(with: $0.utf8) }) else {
            throw .file("\(path): leads to \(file), out of the folder; expected a file in \(self.path) to copy")
        }
        _ = try RegularFile(path: path)
        return file
    }

    private static func resolved(_ path: String) throws(PixArtError) -> String {
        guard let resolved = realpath(path, nil) else { throw .system(path, "cannot be opened") }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
