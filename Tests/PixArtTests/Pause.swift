import Dispatch
import PixArt
import Synchronization

/// A point in a call at which it waits until the test goes on.
final class Pause: Sendable {
    private let fraction: Double
    private let isReached = Atomic(false)
    private let goOn = DispatchSemaphore(value: 0)
    private let (reports, report) = AsyncStream.makeStream(of: Void.self)

    init(after fraction: Double) { self.fraction = fraction }

    /// Holds the call's thread the first time that so much of it is done.
    var handler: ProgressHandler {
        { progress in
            guard progress.fraction >= self.fraction, !self.isReached.exchange(true, ordering: .relaxed) else { return }
            self.report.finish()
            self.goOn.wait()
        }
    }

    /// Returns when the call waits.
    func reached() async { for await _ in reports {} }

    /// Lets the call go on.
    func end() { goOn.signal() }
}
