import Glibc

/// Memory for float32 elements at an address aligned to 64 bytes. Freed with its last reference.
package final class AlignedBuffer: @unchecked Sendable {
    package let start: UnsafeMutablePointer<Float>
    package let count: Int

    /// Contents are undefined until written. Fails with `.memory` naming the size.
    package init(count: Int) throws(PixArtError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        var address: UnsafeMutableRawPointer?
        guard !overflow, count >= 0, posix_memalign(&address, 64, max(bytes, 64)) == 0, let address else {
            throw .memory("cannot allocate \(count) float32 elements")
        }
        start = address.bindMemory(to: Float.self, capacity: max(count, 16))
        self.count = count
    }

    deinit { free(start) }
}
