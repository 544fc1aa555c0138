import Glibc
import PixArtStorage

/// Files of a folder and its subfolders that are committed together, when all of them are complete. Otherwise none of
/// them remains, nor a folder that was created for them. Not thread-safe.
package final class AtomicFolder {
    package let path: String
    private var made: [String] = []
    private var files: [AtomicFile] = []
    private var isCommitted = false

    /// Creates the folder if it is missing. Its parent must exist. Fails with `.file` naming it.
    package init(path: String) throws(PixArtError) {
        self.path = path
        try make(path)
    }

    deinit {
        guard !isCommitted else { return }
        for file in files { file.discard() }  // whoever still holds one: folders must be empty
        for folder in made.reversed() { rmdir(folder) }
    }

    /// Creates a subfolder if it is missing. Fails with `.file` naming it.
    package func makeFolder(_ relative: String) throws(PixArtError) { try make("\(path)/\(relative)") }

    /// A file to write. It is committed with the folder. Fails with `.file` naming it.
    package func file(_ relative: String) throws(PixArtError) -> AtomicFile {
        let file = try AtomicFile(path: "\(path)/\(relative)")
        files.append(file)
        return file
    }

    /// Copies the file at `source`. Fails with `.file` naming it or the copy.
    package func copy(_ source: String, to relative: String) throws(PixArtError) {
        let original = try MappedFile(path: source)
        defer { withExtendedLifetime(original) {} }
        try file(relative).write(original.bytes)
    }

    /// Commits all files in the order of their creation. Call once, at the end. Fails with `.file`; then the files
    /// before the failed one are committed.
    package func commit() throws(PixArtError) {
        isCommitted = true
        for file in files { try file.commit() }
    }

    /// Whether both paths lead to the same folder.
    package static func isSame(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(first, &one) == 0, stat(second, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }

    private func make(_ folder: String) throws(PixArtError) {
        if mkdir(folder, 0o777) == 0 {
            made.append(folder)
            return
        }
        let reason = errno
        var status = stat()
        guard reason == EEXIST, stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .file("\(folder): cannot be created: \(String(cString: strerror(reason)))")
        }
    }
}
