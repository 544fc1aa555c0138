import Glibc

/// A regular file opened for reading. All readers open files here, so only regular files are read and no open blocks.
package struct RegularFile: ~Copyable {
    /// Closed with this value.
    package let descriptor: Int32
    /// Bytes of the file when it was opened.
    package let size: Int

    /// Opens the file at `path`. Fails with `.file` naming the path and what it is, and with `.memory`.
    package init(path: String) throws(PixArtError) {
        var status = stat()
        // Opening a device can change it, and a socket cannot be opened: check first.
        guard stat(path, &status) == 0 else { throw .system(path, "cannot be opened") }
        try Self.require(status, path)
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, "cannot be opened") }
        do throws(PixArtError) {
            guard fstat(descriptor, &status) == 0 else { throw .system(path, "cannot be read") }
            try Self.require(status, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    private static func require(_ status: stat, _ path: String) throws(PixArtError) {
        if let kind = kind(of: status) { throw .file("\(path): is \(kind); expected a regular file") }
    }

    /// What a file is, for messages; nil if it is a regular file.
    package static func kind(of status: stat) -> String? {
        switch status.st_mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a folder"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFCHR: "a character device"
        case S_IFBLK: "a block device"
        default: "a file of unknown kind"
        }
    }
}
