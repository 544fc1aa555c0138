import CProcess

/// Failed allocations of the calling thread. They do not end the process: the library's reserve serves them, and the
/// call that they happened in fails at its end.
package enum AllocationFailure {
    /// Whether an allocation has failed since the last time this was asked.
    package static func take() -> Bool { native_allocation_failed() != 0 }

    /// Notes a failure that another thread met on this thread's behalf.
    package static func note() { native_allocation_note_failure() }

    /// Fails with `.memory` if an allocation has failed. Precedes what changes an object, so that a call that fails
    /// changes nothing.
    package static func check() throws(PixArtError) {
        guard take() else { return }
        note()
        throw .outOfMemory
    }
}
