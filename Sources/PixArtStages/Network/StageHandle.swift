import PixArtCompute
import PixArtStorage

/// An opened stage: what all handles of a network have in common.
package protocol StageHandle: ProcessBound, Sendable {
    associatedtype Description: NetworkDescription

    var opened: OpenedNetwork<Description> { get }
}

extension StageHandle {
    /// The memory of the handle in a call of the size that the options give. Fails with `.option`.
    package func memory(_ options: Description.Memory) throws(PixArtError) -> MemoryReport {
        try opened.memory(options)
    }

    /// The files and precisions that the handle was opened with.
    package var report: HandleReport { opened.report }

    /// The time of the handle's work since it was opened, by kind.
    package var profile: Profile { opened.pool.profile }

    package var process: ProcessIdentity { opened.pool.process }
}
