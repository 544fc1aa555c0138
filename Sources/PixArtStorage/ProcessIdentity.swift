import CProcess
import Glibc

/// The process that created an object. A child of `fork()` differs from its parent, even if an id is reused.
package struct ProcessIdentity: Equatable, Sendable {
    package let id: pid_t
    private let forks: Int

    package static var current: ProcessIdentity { .init(id: getpid(), forks: native_forks()) }
}

/// A handle with threads. Only the process that opened it has them.
package protocol ProcessBound: AnyObject {
    var process: ProcessIdentity { get }
}
