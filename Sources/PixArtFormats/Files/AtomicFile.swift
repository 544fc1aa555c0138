import Glibc
import PixArtStorage

/// A file that is written completely or not at all: it is written as a draft and renamed at the end. If it is not
/// committed, nothing remains. Not thread-safe.
///
/// Replaces only a regular file, and keeps its permissions. A symbolic link stays, and its target is replaced.
package final class AtomicFile {
    package let path: String
    private let target: AtomicTarget
    private var draft: DraftFile?

    /// Creates the draft in the folder of the target. Fails with `.file` and `.memory`, naming `path`.
    package init(path: String) throws(PixArtError) {
        self.path = path
        target = try AtomicTarget(path: path)
        draft = try DraftFile(in: target.folder, permissions: target.existing == nil ? 0o666 : 0o600, for: path)
    }

    deinit { discard() }

    /// Removes the draft unless it was committed. Nothing can be written afterwards.
    package func discard() {
        draft?.discard()
        draft = nil
    }

    /// Appends `bytes`. Fails with `.file` naming the path.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(PixArtError) {
        try write(bytes) { Glibc.write($0, $1.baseAddress, $1.count) }
    }

    /// Writes `bytes` at `offset`, which may be beyond the end. Fails with `.file` naming the path.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(PixArtError) {
        var place = offset
        try write(bytes) { descriptor, rest in
            let written = pwrite(descriptor, rest.baseAddress, rest.count, place)
            place += max(written, 0)
            return written
        }
    }

    /// Writes all of `bytes`; `call` may write fewer at a time.
    private func write(
        _ bytes: UnsafeRawBufferPointer, by call: (Int32, UnsafeRawBufferPointer) -> Int
    ) throws(PixArtError) {
        let descriptor = try opened().descriptor
        var rest = bytes
        while !rest.isEmpty {
            let written = Self.withoutSizeSignal { call(descriptor, rest) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw .system(path, "cannot be written") }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }

    /// Puts the file at its path and flushes it to the disk. Call once, after the last `write`. Fails with `.file`
    /// naming the path; then the old file stays.
    package func commit() throws(PixArtError) {
        let draft = try opened()
        if let existing = target.existing {
            // Only a privileged process can change the owner, and the owner's own file needs no change.
            _ = fchown(draft.descriptor, existing.st_uid, existing.st_gid)
            guard fchmod(draft.descriptor, existing.st_mode & 0o777) == 0 else {
                throw .system(path, "cannot be replaced")
            }
        }
        guard fsync(draft.descriptor) == 0 else { throw .system(path, "cannot be written") }
        guard draft.rename(to: target.path) == 0 else { throw .system(path, "cannot be replaced") }
        close(draft.descriptor)
        self.draft = nil
        try syncFolder()
    }

    private func opened() throws(PixArtError) -> DraftFile {
        guard let draft else { throw .state("\(path): cannot be written: it was discarded or committed before") }
        return draft
    }

    /// Flushes the new name to the disk. Not every file system can do that, and not every folder is readable.
    private func syncFolder() throws(PixArtError) {
        let folder = open(target.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        defer { close(folder) }
        guard fsync(folder) == 0 || errno != EIO else { throw .system(path, "the folder cannot be written") }
    }

    /// Runs `call` such that a file beyond RLIMIT_FSIZE is an error, not a signal that ends the process.
    private static func withoutSizeSignal(_ call: () -> Int) -> Int {
        var signal = sigset_t()
        var pending = sigset_t()
        var mask = sigset_t()
        sigemptyset(&signal)
        sigaddset(&signal, SIGXFSZ)
        sigpending(&pending)
        pthread_sigmask(SIG_BLOCK, &signal, &mask)
        let written = call()
        let reason = errno
        if written < 0, reason == EFBIG, sigismember(&pending, SIGXFSZ) == 0 {
            var now = timespec()
            while sigtimedwait(&signal, nil, &now) < 0, errno == EINTR {}
        }
        pthread_sigmask(SIG_SETMASK, &mask, nil)
        errno = reason
        return written
    }
}
