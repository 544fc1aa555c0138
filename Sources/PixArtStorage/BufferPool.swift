import Glibc

/// Memory that large buffers reuse one after another. The system takes as long to clear fresh memory as a layer takes
/// to write it. Thread-safe.
package final class BufferPool: Sendable {
    /// Mappings that wait for reuse.
    private struct Spare: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let bytes: Int
    }

    private let spares = Locked<[Spare]>([])

    package init() {}

    deinit { empty() }

    /// Bytes of the mappings that wait for reuse.
    package var waitingBytes: Int { spares.withLock { $0.reduce(0) { $0 + $1.bytes } } }

    /// Memory of `bytes` or up to twice that, with its true size. If no waiting mapping fits, all of them go back
    /// to the system first. So mappings in use and mappings that wait take little more than the peak of those in
    /// use.
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
