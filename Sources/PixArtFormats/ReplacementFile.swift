import Glibc
import PixArtCompute

/// A file that takes its path's place only when it is whole: it is written beside under another name, and renamed at the
/// end. Where that does not come about, it is removed. For one thread at a time.
package final class ReplacementFile {
    package let path: String
    private let draft: String
    private var descriptor: Int32

    /// Creates the draft in the folder of `path`. Fails with `.file` naming `path`.
    package init(path: String) throws(PixArtError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        self.path = path
        draft = "\(folder).pixart-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
        descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw fault("cannot be created") }
    }

    deinit { discard() }

    /// Removes the draft, unless it has taken its place: nothing can be written any more.
    package func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(draft)
        descriptor = -1
    }

    /// Appends `bytes`. Fails with `.file` naming the path.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(PixArtError) {
        try write(bytes) { Glibc.write($0, $1.baseAddress, $1.count) }
    }

    /// Writes `bytes` from `offset` on, which may be behind the end. Fails with `.file` naming the path.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(PixArtError) {
        var place = offset
        try write(bytes) { descriptor, rest in
            let written = pwrite(descriptor, rest.baseAddress, rest.count, place)
            place += max(written, 0)
            return written
        }
    }

    /// Writes all of `bytes`, however few of them `call` takes at a time.
    private func write(
        _ bytes: UnsafeRawBufferPointer, by call: (Int32, UnsafeRawBufferPointer) -> Int
    ) throws(PixArtError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = call(descriptor, rest)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw fault("cannot be written") }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }

    /// Puts the file in its place, safe on the disk; a file or link that was there is gone. Call once, after the last
    /// `write`. Fails with `.file` naming the path, and what was there stays.
    package func commit() throws(PixArtError) {
        guard fsync(descriptor) == 0 else { throw fault("cannot be written") }
        guard rename(draft, path) == 0 else { throw fault("cannot be replaced") }
        close(descriptor)
        descriptor = -1
    }

    private func fault(_ what: String) -> PixArtError {
        .file("\(path): \(what): \(String(cString: strerror(errno)))")
    }
}
