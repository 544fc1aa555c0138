import Glibc

/// Memory for float32 elements at an address aligned to 64 bytes. Freed with its last reference.
///
/// A large buffer has a mapping to itself, in huge pages if the system grants them. Freeing it returns the memory to
/// the system.
package final class AlignedBuffer: @unchecked Sendable {
    package let start: UnsafeMutablePointer<Float>
    package let count: Int
    /// Bytes mapped at `start`; 0 if they come from the heap.
    private let mapped: Int
    /// Receives the mapping when this buffer is freed.
    private let buffers: BufferPool?
    /// Whether part of the memory was returned to the system. Such a mapping is not worth reusing.
    private var isPartial = false

    private static let hugePage = 2 << 20

    /// Contents are undefined until written. Large buffers reuse the memory of `buffers`, if given. Fails with
    /// `.memory` naming the size.
    package init(count: Int, _ buffers: BufferPool? = nil) throws(PixArtError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        guard !overflow, count >= 0, bytes < Int.max / 2 else {
            throw .memory("cannot allocate \(count) float32 elements")
        }
        let isLarge = bytes >= 2 * Self.hugePage
        let whole = (bytes + Self.hugePage - 1) / Self.hugePage * Self.hugePage
        let spare = isLarge ? buffers?.take(bytes: whole) : nil
        guard let address = spare?.start ?? (isLarge ? Self.map(whole) : Self.allocate(max(bytes, 64))) else {
            throw .memory("cannot allocate \(count) float32 elements")
        }
        mapped = spare?.bytes ?? (isLarge ? whole : 0)
        self.buffers = buffers
        start = address.bindMemory(to: Float.self, capacity: max(count, 16))
        self.count = count
    }

    deinit {
        if mapped == 0 {
            free(start)
        } else if let buffers, !isPartial {
            buffers.give(start, bytes: mapped)
        } else {
            munmap(start, mapped)
        }
    }

    /// Returns the memory of some elements to the system; their contents are undefined from then on. Frees only
    /// the whole huge pages among them, so a buffer without huge pages frees nothing. Only one thread may do this
    /// at a time.
    package func discard(_ elements: Range<Int>) {
        precondition(elements.lowerBound >= 0 && elements.upperBound <= count)
        guard mapped > 0 else { return }
        let first = (4 * elements.lowerBound + Self.hugePage - 1) / Self.hugePage * Self.hugePage
        let last = 4 * elements.upperBound / Self.hugePage * Self.hugePage
        guard first < last else { return }
        madvise(UnsafeMutableRawPointer(start) + first, last - first, MADV_DONTNEED)
        isPartial = true
    }

    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
        var address: UnsafeMutableRawPointer?
        return posix_memalign(&address, 64, bytes) == 0 ? address : nil
    }

    /// Maps whole huge pages.
    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let area = mmap(nil, bytes + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let area, area != MAP_FAILED else { return nil }
        let before = (hugePage - Int(bitPattern: area) % hugePage) % hugePage
        if before > 0 { munmap(area, before) }
        if before < hugePage { munmap(area + before + bytes, hugePage - before) }
        madvise(area + before, bytes, MADV_HUGEPAGE)
        return area + before
    }
}
