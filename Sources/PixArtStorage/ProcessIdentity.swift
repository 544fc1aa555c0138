import CProcess
import Glibc

/// The process that made something. A child of `fork()` is another one, whatever its id.
package struct ProcessIdentity: Equatable, Sendable {
    package let id: pid_t
    private let forks: Int

    package static var current: ProcessIdentity { .init(id: getpid(), forks: native_forks()) }
}

/// A handle that has threads, which only the process that opened it has.
package protocol ProcessBound: AnyObject {
    var process: ProcessIdentity { get }
}
