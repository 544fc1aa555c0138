import Glibc
import PixArtStorage

/// The target of a file that is written: a regular file, or nothing. A symbolic link means the file that it leads to.
struct AtomicTarget {
    /// Path of the file, without links.
    let path: String
    /// Status of the existing file; nil if there is none.
    let existing: stat?

    /// The folder of `path`.
    var folder: String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "." }

    /// Follows the links from `path`. Fails with `.file` naming it if something other than a regular file exists,
    /// or if links form a cycle.
    init(path: String) throws(PixArtError) {
        var status = stat()
        if stat(path, &status) == 0 {
            if let kind = RegularFile.kind(of: status) {
                throw .file("\(path): is \(kind); expected a regular file to replace, or nothing")
            }
            existing = status
        } else {
            guard errno == ENOENT, !path.isEmpty else { throw .system(path, "cannot be created") }
            existing = nil
        }
        self.path = try Self.end(of: path)
        // Links in /proc contain the path that a file had, which may be wrong by now.
        guard let existing else { return }
        guard lstat(self.path, &status) == 0, status.st_dev == existing.st_dev, status.st_ino == existing.st_ino else {
            throw .file("\(path): cannot be replaced: its links do not name the file that they lead to")
        }
    }

    private static func end(of path: String) throws(PixArtError) -> String {
        var end = path
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        for _ in 0..<40 {
            let count = target.withUnsafeMutableBytes { bytes in
                bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(end, $0, bytes.count) } ?? -1
            }
            guard count >= 0 else { return end }
            guard let link = String(validating: target.prefix(count), as: UTF8.self) else {
                throw .file("\(path): cannot be replaced: its link's target is not well-formed UTF-8")
            }
            let folder = link.hasPrefix("/") ? "" : end.lastIndex(of: "/").map { end[...$0] } ?? ""
            end = folder + link
        }
        throw .system(path, "cannot be replaced", ELOOP)
    }
}
