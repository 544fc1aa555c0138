internal import CProcess
internal import PixArtCompute
internal import PixArtStorage

import Glibc
import Synchronization

/// Calls that compute. Each runs on a thread of its own, so the threads of Swift concurrency stay free, however long it
/// takes.
enum CallThread {
    /// Runs `body` and returns its result. If the task is cancelled, the work ends within about a fifth of a second, and
    /// the call throws `CancellationError`. Fails with `.memory` if the system gives no thread.
    static func run<Result: Sendable>(
        _ progress: ProgressHandler? = nil,
        _ body: @escaping @Sendable () throws(PixArtStorage.PixArtError) -> Result
    ) async throws -> Result {
        try await run { cancellation throws(PixArtStorage.PixArtError) in
            try cancellation.reporting(progress, body)
        }
    }

    /// The same for calls of several parts, each of which reports its own progress.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable (Cancellation) throws(PixArtStorage.PixArtError) -> Result
    ) async throws -> Result {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
                let failure = start { continuation.resume(with: outcome(cancellation, body)) }
                if let failure { continuation.resume(throwing: failure) }
            }
        } onCancel: {
            cancellation.request()
        }
    }

    /// The result of `body`, or its error as hosts see it.
    private static func outcome<Result>(
        _ cancellation: Cancellation, _ body: (Cancellation) throws(PixArtStorage.PixArtError) -> Result
    ) -> Swift.Result<Result, any Error> {
        do throws(PixArtStorage.PixArtError) {
            return .success(try body(cancellation))
        } catch {
            return .failure(error == .cancelled ? CancellationError() : PixArtError(error))
        }
    }

    /// Starts a thread that runs `work` in the default floating-point environment, and blocks the host's signals.
    private static func start(_ work: @escaping @Sendable () -> Void) -> PixArtError? {
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let context = Unmanaged.passRetained(Work(work))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, &attributes,
            { context in
                var host = fenv_t()
                native_floating_point_begin(&host)
                if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().work() }
                return nil
            }, context.toOpaque())
        guard failure != 0 else { return nil }
        context.release()
        return PixArtError(.memory, "cannot start a thread for the call: \(String(cString: strerror(failure)))")
    }

    private final class Work: Sendable {
        let work: @Sendable () -> Void

        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
}

/// Whether the task of a call is cancelled. Any thread may ask.
final class Cancellation: Sendable {
    private let isRequested = Atomic(false)

    func request() { isRequested.store(true, ordering: .relaxed) }

    /// Runs `body`, which reports its progress to the host. Fails with `.cancelled` if the task is cancelled before or
    /// while it works.
    func reporting<Result>(
        _ progress: ProgressHandler?, _ body: () throws(PixArtStorage.PixArtError) -> Result
    ) throws(PixArtStorage.PixArtError) -> Result {
        var result: Result?
        let callback: CallProgress.Callback = { step, steps, fraction in
            progress?(StepProgress(step: step, steps: steps, fraction: fraction))
            return !self.isRequested.load(ordering: .relaxed)
        }
        if isRequested.load(ordering: .relaxed) { throw .cancelled }
        try CallProgress.run(callback) { () throws(PixArtStorage.PixArtError) in result = try body() }
        guard let result else { throw .internal("the call ended without a result") }
        return result
    }
}
