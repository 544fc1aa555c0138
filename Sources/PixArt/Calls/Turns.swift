internal import CProcess
internal import PixArtCompute
internal import PixArtStorage

import Glibc

/// A value that calls use in turns, each on its own thread. A call that waits for its turn can be cancelled.
///
/// It is safe to share although the value is not, because only the call that holds the lock reaches it.
final class Turns<Value>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    /// Milliseconds between two looks at whether a waiting call is cancelled.
    private static var interval: Int32 { 30 }

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Fails with `.cancelled`, and as `body` does.
    func take<Result>(
        _ body: (inout Value) throws(PixArtStorage.PixArtError) -> Result
    ) throws(PixArtStorage.PixArtError) -> Result {
        while native_lock_within(lock, Self.interval) == 0 { try CallProgress.report(step: 0, of: 1) }
        defer { native_unlock(lock) }
        return try body(&value)
    }
}
