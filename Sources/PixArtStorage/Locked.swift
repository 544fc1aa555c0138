import CProcess
import Glibc

/// A value behind a lock. The standard library's `Mutex` does not work in a child of `fork()`: it takes the forking
/// thread for the parent's, and ends the process if another thread of the child waits.
package final class Locked<Value>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: Value) {
        self.value = value
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        native_lock(lock)
        defer { native_unlock(lock) }
        return body(&value)
    }
}
