import Glibc
import PixArtStorage

/// A file that is renamed when it is complete. It has no name until then, if the system supports that. Otherwise its
/// name starts with ".pixart-", in the folder of the target. It is locked while its process lives, so that drafts of
/// killed processes are recognized, and removed when the next one is created in their folder.
struct DraftFile {
    let descriptor: Int32
    private let path: String
    private let isNamed: Bool

    /// Creates a draft in the folder `folder`. Fails with `.file` and `.memory`, naming `target`.
    init(in folder: String, permissions: mode_t, for target: String) throws(PixArtError) {
        Self.sweep(folder)
        path = "\(folder)/.pixart-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
        let unnamed = open(folder, O_WRONLY | Self.unnamedFile | O_CLOEXEC, permissions)
        if unnamed >= 0 {
            if access(Self.link(unnamed), F_OK) == 0 {
                flock(unnamed, LOCK_EX)
                (descriptor, isNamed) = (unnamed, false)
                return
            }
            close(unnamed)
        }
        isNamed = true
        while true {
            let named = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
            guard named >= 0 else { throw .system(target, "cannot be created") }
            flock(named, LOCK_EX)
            var status = stat()
            // Another process may have removed it as a leftover before it was locked.
            if fstat(named, &status) == 0, status.st_nlink > 0 {
                descriptor = named
                return
            }
            close(named)
        }
    }

    /// Removes the draft.
    func discard() {
        if isNamed { unlink(path) }
        close(descriptor)
    }

    /// Replaces `target` by the draft atomically. Returns 0, or -1 and `errno`. The draft is not closed.
    func rename(to target: String) -> Int32 {
        if !isNamed {
            guard linkat(AT_FDCWD, Self.link(descriptor), AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else { return -1 }
        }
        guard Glibc.rename(path, target) == 0 else {
            let reason = errno
            if !isNamed { unlink(path) }
            errno = reason
            return -1
        }
        return 0
    }

    /// O_TMPFILE, a macro that Swift cannot import.
    private static let unnamedFile = 0o20_000_000 | O_DIRECTORY

    private static func link(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    /// Removes the drafts of killed processes in a folder, which are unlocked.
    private static func sweep(_ folder: String) {
        guard let names = try? DirectoryListing(path: folder).names else { return }
        for name in names.map(\.text) where isDraft(name) {
            let draft = open("\(folder)/\(name)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            guard draft >= 0 else { continue }
            defer { close(draft) }
            var status = stat()
            guard fstat(draft, &status) == 0, RegularFile.kind(of: status) == nil else { continue }
            if flock(draft, LOCK_EX | LOCK_NB) == 0 { unlink("\(folder)/\(name)") }
        }
    }

    private static func isDraft(_ name: String) -> Bool {
        guard name.hasPrefix(".pixart-"), name.hasSuffix(".tmp") else { return false }
        let middle = name.utf8.dropFirst(8).dropLast(4)
        return 1...13 ~= middle.count && middle.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 }
    }
}
