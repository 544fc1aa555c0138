import Glibc

/// A whole file, memory-mapped read-only. Pages are read when they are touched, and the system can drop them.
package final class MappedFile: Sendable {
    package let path: String
    /// The bytes of the file. Valid as long as this object lives.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    /// Maps the regular file at `path`. Fails with `.file` naming the path and the reason, and with `.memory`.
    package init(path: String) throws(PixArtError) {
        let file = try RegularFile(path: path)
        self.path = path
        guard file.size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), start != MAP_FAILED else {
            throw .system(path, "cannot be mapped")
        }
        bytes = UnsafeRawBufferPointer(start: start, count: file.size)
    }

    /// Drops the whole pages of `part` from the process's memory. Touching them reads the file again.
    package func discard(_ part: UnsafeRawBufferPointer) {
        guard let start = part.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (UInt(bitPattern: start) + UInt(page) - 1) / UInt(page) * UInt(page)
        let last = (UInt(bitPattern: start) + UInt(part.count)) / UInt(page) * UInt(page)
        if first < last { madvise(UnsafeMutableRawPointer(bitPattern: first), Int(last - first), MADV_DONTNEED) }
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
