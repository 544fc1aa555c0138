import Glibc
import PixArtCompute

/// A file that takes its path's place only when it is whole: it is written beside under another name, and renamed at the
/// end. Where that does not come about, it is removed.
struct ReplacementFile: ~Copyable {
    private let path: String
    private let draft: String
    private var descriptor: Int32

    /// Creates the draft in the folder of `path`. Fails with `.file` naming `path`.
    init(path: String) throws(PixArtError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        self.path = path
        draft = "\(folder).pixart-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
        descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw fault("cannot be created") }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(draft)
        }
    }

    /// Appends `bytes`. Fails with `.file` naming the path.
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(PixArtError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, bytes.baseAddress.map { $0 + rest.startIndex }, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw fault("cannot be written") }
            rest = rest.dropFirst(written)
        }
    }

    /// Puts the file in its place, safe on the disk; a file or link that was there is gone. Call once, after the last
    /// `write`. Fails with `.file` naming the path, and what was there stays.
    mutating func commit() throws(PixArtError) {
        guard fsync(descriptor) == 0 else { throw fault("cannot be written") }
        guard rename(draft, path) == 0 else { throw fault("cannot be replaced") }
        close(descriptor)
        descriptor = -1
    }

    private borrowing func fault(_ what: String) -> PixArtError {
        .file("\(path): \(what): \(String(cString: strerror(errno)))")
    }
}
