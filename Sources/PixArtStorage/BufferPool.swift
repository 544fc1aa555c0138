import Glibc

/// Memory that is used again by one large buffer after another, since the system takes as long to hand out fresh
/// memory, cleared, as a layer takes to write it. Any thread may use it.
package final class BufferPool: Sendable {
    /// Memory that waits for its next use.
    private struct Spare: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let bytes: Int
    }

    private let spares = Locked<[Spare]>([])

    package init() {}

    deinit { empty() }

    /// Memory of `bytes` or up to twice that, with its true size. Where none is at hand, all that waits goes back to
    /// the system first, so that what is in use and what waits together are little more than what was in use at a time.
    func take(bytes: Int) -> (start: UnsafeMutableRawPointer, bytes: Int)? {
        let found = spares.withLock { spares -> Spare? in
            let fitting = spares.indices.filter { (bytes...2 * bytes).contains(spares[$0].bytes) }
            return fitting.min { spares[$0].bytes < spares[$1].bytes }.map { spares.remove(at: $0) }
        }
        if let found { return (found.start, found.bytes) }
        empty()
        return nil
    }

    func give(_ start: UnsafeMutableRawPointer, bytes: Int) {
        let spare = Spare(start: start, bytes: bytes)
        spares.withLock { $0.append(spare) }
    }

    private func empty() {
        spares.withLock { spares in
            for spare in spares { munmap(spare.start, spare.bytes) }
            spares = []
        }
    }
}
