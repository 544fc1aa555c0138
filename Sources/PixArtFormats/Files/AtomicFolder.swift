import Glibc
import PixArtStorage

/// Files of a folder and its subfolders that take their places together, when all of them are whole. Where that does
/// not come about, none of them is there, nor a folder that was made for them. For one thread at a time.
package final class AtomicFolder {
    package let path: String
    private var made: [String] = []
    private var files: [AtomicFile] = []
    private var isCommitted = false

    /// Makes the folder where there is none; the one that it lies in must be there. Fails with `.file` naming it.
    package init(path: String) throws(PixArtError) {
        self.path = path
        try make(path)
    }

    deinit {
        guard !isCommitted else { return }
        for file in files { file.discard() }  // whoever still holds one: folders must be empty
        for folder in made.reversed() { rmdir(folder) }
    }

    /// Makes a subfolder where there is none. Fails with `.file` naming it.
    package func makeFolder(_ relative: String) throws(PixArtError) { try make("\(path)/\(relative)") }

    /// A file to be written, which is committed with the folder. Fails with `.file` naming it.
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

    /// Puts all files in their places, in the order in which they were begun. Call once, at the end. Fails with
    /// `.file`; then the files before the one that failed are in their places.
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
            throw .file("\(folder): cannot be made: \(String(cString: strerror(reason)))")
        }
    }
}
