import CProcess

/// Failed allocations of the calling thread. They do not end the process: the library's reserve serves them, and the
/// call fails at its end.
package enum AllocationFailure {
    /// Whether an allocation has failed since the last call of this function.
    package static func take() -> Bool { native_allocation_failed() != 0 }

    /// Notes a failure that another thread met while it worked for this one.
    package static func note() { native_allocation_note_failure() }

    /// Fails with `.memory` if an allocation has failed. Called before an object changes, so that a failed call
    /// changes nothing.
    package static func check() throws(PixArtError) {
        guard take() else { return }
        note()
        throw .outOfMemory
    }
}
