import Glibc
import PixArtStorage

/// The progress of one call of the host. The host's callback receives it and can cancel the call.
///
/// The calling thread knows its progress, so networks and stages can report without a parameter. While the thread
/// waits for workers, it asks the host about every `interval`, however long a parallel region takes.
package final class CallProgress {
    /// Returns whether to continue. `fraction` is the share of the call that is done.
    package typealias Callback = (_ step: Int, _ steps: Int, _ fraction: Double) -> Bool

    /// Milliseconds between two calls of the callback.
    static let interval: Int32 = 30

    private let callback: Callback?
    /// The outer call, if this call is made from its callback.
    private let outer: CallProgress?
    private var (step, steps, fraction) = (0, 1, 0.0)
    /// The part of the call that the current step is; nil if all steps are equal.
    private var span: ClosedRange<Double>?
    private var isCancelled = false
    /// The pool that this call waits for while its callback runs.
    private var awaitedPool: ThreadPool?

    private init(_ callback: Callback?, outer: CallProgress?) {
        self.callback = callback
        self.outer = outer
    }

    /// Makes a call, with or without a callback of the host.
    package static func run<Failure: Error>(
        _ callback: Callback?, _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        let outer = current
        guard callback != nil || outer != nil else { return try body() }
        let progress = CallProgress(callback, outer: outer)
        try withExtendedLifetime(progress) { () throws(Failure) in
            current = progress
            defer { current = outer }
            try body()
        }
    }

    /// Reports that `step` of `steps` steps are done, and the fraction of the call. Fails with `.cancelled`.
    package static func report(step: Int, of steps: Int, fraction: Double) throws(PixArtError) {
        guard let progress = current else { return }
        progress.span = nil
        try progress.report(step, steps, fraction)
    }

    /// Reports that `step` of `steps` steps are done, and the part of the call that the next one is. Fails with
    /// `.cancelled`.
    package static func report(step: Int, of steps: Int, span: ClosedRange<Double>) throws(PixArtError) {
        guard let progress = current else { return }
        progress.span = span
        try progress.report(step, steps, span.lowerBound)
    }

    /// Reports that `step` of `steps` equal steps are done. Fails with `.cancelled`.
    package static func report(step: Int, of steps: Int) throws(PixArtError) {
        try report(step: step, of: steps, fraction: steps == 0 ? 1 : Double(step) / Double(steps))
    }

    /// Reports the share of the current step that is done. Fails with `.cancelled`.
    package static func report(share: Double) throws(PixArtError) {
        guard let progress = current else { return }
        let (step, steps) = (progress.step, progress.steps)
        let fraction = progress.span.map { $0.lowerBound + share * ($0.upperBound - $0.lowerBound) }
        try progress.report(step, steps, fraction ?? (Double(step) + share) / Double(steps))
    }

    private func report(_ step: Int, _ steps: Int, _ fraction: Double) throws(PixArtError) {
        (self.step, self.steps, self.fraction) = (step, steps, max(fraction, self.fraction))
        try ask()
    }

    /// Asks the host whether to continue. Fails with `.cancelled`.
    func ask(while pool: ThreadPool? = nil) throws(PixArtError) {
        awaitedPool = pool
        defer { awaitedPool = nil }
        if !isCancelled, let callback { isCancelled = !callback(step, steps, fraction) }
        if isCancelled { throw .cancelled }
    }

    /// Whether the calling thread is in a callback of a call that waits for this pool.
    static func isAwaited(_ pool: ThreadPool) -> Bool {
        var progress = current
        while let call = progress {
            if call.awaitedPool === pool { return true }
            progress = call.outer
        }
        return false
    }

    // Of the calling thread

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The progress of the thread's call. `run` keeps it alive.
    static private(set) var current: CallProgress? {
        get { pthread_getspecific(key).map { Unmanaged.fromOpaque($0).takeUnretainedValue() } }
        set { pthread_setspecific(key, newValue.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }) }
    }
}
