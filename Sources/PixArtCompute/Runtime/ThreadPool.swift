import CKernels
import CProcess
import Glibc
import PixArtStorage
import Synchronization

/// The threads of one handle. Only this file starts threads.
///
/// Workers sleep when idle. One parallel region runs at a time; calls of several threads take turns, region by region.
/// If the portable kernels use OpenBLAS, it runs single-threaded on the workers. The settings of the host's copy of
/// OpenBLAS do not change.
package final class ThreadPool: @unchecked Sendable {
    /// Memory of a worker, for the tasks that it runs.
    package final class Scratch {
        fileprivate var buffers: [Int: AlignedBuffer] = [:]
        private let pool: WorkQueue
        private let isOfWorker: Bool

        fileprivate init(_ pool: WorkQueue, isOfWorker: Bool) {
            self.pool = pool
            self.isOfWorker = isOfWorker
        }

        /// Whether the host has cancelled the call of the task. A long task may then return before it is done.
        package var isCancelled: Bool { isOfWorker && pool.isCancelled }

        /// At least `count` elements with undefined contents. The same `slot` of a worker is the same memory
        /// in every task. Two slots never overlap. Fails with `.memory`.
        package func floats(_ count: Int, slot: Int) throws(PixArtError) -> UnsafeMutablePointer<Float> {
            if let buffer = buffers[slot], buffer.count >= count { return buffer.start }
            let before = buffers[slot]?.count ?? 0
            buffers[slot] = nil
            pool.scratch.add(-before, ordering: .relaxed)
            let buffer = try AlignedBuffer(count: count)
            buffers[slot] = buffer
            pool.scratch.add(count, ordering: .relaxed)
            return buffer.start
        }

        fileprivate func discard() {
            pool.scratch.add(-buffers.values.reduce(0) { $0 + $1.count }, ordering: .relaxed)
            buffers = [:]
        }
    }

    /// The work of one task, given its number and the worker's memory.
    fileprivate typealias Body = (_ task: Int, _ scratch: Scratch) -> Void

    /// OpenBLAS has memory for a few more concurrent GEMMs than this.
    package static let maximum = 128

    package let count: Int
    /// The process that has these threads.
    package let process = ProcessIdentity.current
    /// The kernels of this pool's instruction set.
    package let kernels: Kernels
    /// The time of this pool's regions.
    package let profile = Profile()
    private let queue: WorkQueue
    /// Workers that run OpenBLAS's GEMMs.
    private let blasWorkers: Int
    private var threads: [pthread_t] = []

    /// Starts `threads` workers; 0 means one for each processor that the process may use, up to `maximum`.
    /// `instructions` names their instruction set; nil means the best. Fails with `.memory`, and with `.option` if
    /// the processor lacks the instruction set, or if it has to be reproducible and is not. Fails with `.file` if
    /// OpenBLAS is there and cannot be loaded.
    package init(
        threads requested: Int = 0, instructions: String? = nil, reproducible: Bool = false
    ) throws(PixArtError) {
        kernels = try Kernels(named: instructions, reproducible: reproducible).withBLAS()
        count = requested > 0 ? requested : min(native_available_processors(), Self.maximum)
        blasWorkers = kernels.usesBLAS ? count : 0
        guard blasWorkers == 0 || native_blas_reserve(blasWorkers) != 0 else {
            throw .memory("cannot start \(count) threads: no address space for OpenBLAS, 128 MiB each")
        }
        queue = WorkQueue()
        // Workers do not handle the host's signals.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        for _ in 0..<count {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(queue)
            let failure = pthread_create(&thread, nil, { ThreadPool.work($0) }, context.toOpaque())
            guard failure == 0 else {
                context.release()
                throw .memory("cannot start \(count) threads: \(String(cString: strerror(failure)))")
            }
            threads.append(thread)
        }
    }

    /// Bytes of memory that the workers hold for their tasks.
    package var scratchBytes: Int { 4 * queue.scratch.load(ordering: .relaxed) }

    deinit {
        queue.stop()
        for thread in threads { pthread_join(thread, nil) }
        if blasWorkers > 0 { native_blas_release(blasWorkers) }
    }

    /// Runs `body` for every task in `0..<tasks` on all workers, and returns when all are done. If tasks throw,
    /// throws one of their errors. Fails with `.cancelled` if the host cancels the call; tasks that have not begun
    /// are not run.
    ///
    /// Tasks start in the order of their numbers. `body` must not call `run` on this pool. The time counts as
    /// `kind`, with `work` operations.
    package func run(
        tasks: Int, as kind: Profile.Kind = .other, work: Double = 0,
        _ body: (_ task: Int, _ scratch: Scratch) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        guard tasks > 0 else { return }
        try requireOwnProcess()
        // This call is made in a callback of a call that uses the workers.
        guard !CallProgress.isAwaited(self) else { return try runAlone(tasks, body) }
        let start = Profile.now
        defer { profile.add(kind, seconds: Profile.now - start, work: work) }
        let failure = Locked<PixArtError?>(nil)
        let caught: Body = { task, scratch in
            do throws(PixArtError) { try body(task, scratch) } catch { failure.withLock { $0 = error } }
        }
        try withoutActuallyEscaping(caught) { body throws(PixArtError) in
            try withUnsafePointer(to: body) { body throws(PixArtError) in try wait(for: tasks, body) }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Runs tasks on the workers, and regularly asks the host whether to continue.
    private func wait(for tasks: Int, _ body: UnsafePointer<Body>) throws(PixArtError) {
        let progress = CallProgress.current
        while !queue.begin(tasks: tasks, workers: count, body, within: progress == nil ? nil : CallProgress.interval) {
            try ask(progress)
        }
        var cancelled: PixArtError?
        while !queue.hasEnded(within: progress == nil || cancelled != nil ? nil : CallProgress.interval) {
            guard cancelled == nil else { continue }
            do { try ask(progress) } catch {
                guard error == .cancelled else { throw error }
                cancelled = error
                queue.dropTasks()
            }
        }
        if queue.end() { AllocationFailure.note() }
        if let cancelled { throw cancelled }
    }

    /// Asks the host whether to continue. Fails with `.cancelled`. Fails with `.state` if the callback has forked
    /// and this is the child, which has no workers.
    private func ask(_ progress: CallProgress?) throws(PixArtError) {
        try progress?.ask(while: self)
        try requireOwnProcess()
    }

    private func requireOwnProcess() throws(PixArtError) {
        guard process == .current else {
            throw .state(
                "a call was begun in process \(process.id), before fork(); expected it to go on in that process")
        }
    }

    /// Runs tasks on the calling thread.
    private func runAlone(
        _ tasks: Int, _ body: (_ task: Int, _ scratch: Scratch) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        let scratch = Scratch(queue, isOfWorker: false)
        defer { scratch.discard() }
        for task in 0..<tasks { try body(task, scratch) }
    }

    /// Runs `body` for ranges of at most `grain` that cover `0..<total`; otherwise as above.
    package func run(
        total: Int, grain: Int, as kind: Profile.Kind = .other, work: Double = 0,
        _ body: (_ range: Range<Int>, _ scratch: Scratch) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        try run(tasks: (total + grain - 1) / grain, as: kind, work: work) { task, scratch throws(PixArtError) in
            try body(task * grain..<min((task + 1) * grain, total), scratch)
        }
    }

    private static func work(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        // A thread starts with the floating-point environment of the thread that creates it.
        var inherited = fenv_t()
        native_floating_point_begin(&inherited)
        let queue = Unmanaged<WorkQueue>.fromOpaque(context).takeRetainedValue()
        let scratch = Scratch(queue, isOfWorker: true)
        var seen = 0
        while let body = queue.next(after: &seen) {
            while let task = queue.take() { body.pointee(task, scratch) }
            queue.finish(allocationFailed: AllocationFailure.take())
        }
        return nil
    }
}

/// The queue of parallel regions, shared by the workers of a pool.
private final class WorkQueue: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let callers = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let begun = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Lies in the frame of the caller of `run`, which outlives it.
    private var body: UnsafePointer<ThreadPool.Body>?
    private var generation = 0
    private var running = 0
    private var stopped = false
    private var allocationFailed = false
    private var tasks = 0
    private let nextTask = Atomic<Int>(0)
    private let hasDropped = Atomic<Bool>(false)
    /// Elements of all workers' memory.
    fileprivate let scratch = Atomic<Int>(0)

    init() {
        pthread_mutex_init(lock, nil)
        pthread_mutex_init(callers, nil)
        pthread_cond_init(begun, nil)
        native_condition_init(ended)
    }

    deinit {
        pthread_mutex_destroy(lock)
        pthread_mutex_destroy(callers)
        pthread_cond_destroy(begun)
        pthread_cond_destroy(ended)
        lock.deallocate()
        callers.deallocate()
        begun.deallocate()
        ended.deallocate()
    }

    /// Publishes a region when the other caller's region has ended; `end` closes it. Returns false if the other
    /// one does not end within so many milliseconds; nil waits without limit.
    func begin(tasks: Int, workers: Int, _ body: UnsafePointer<ThreadPool.Body>, within milliseconds: Int32?) -> Bool {
        if let milliseconds {
            guard native_lock_within(callers, milliseconds) != 0 else { return false }
        } else {
            native_lock(callers)
        }
        native_lock(lock)
        defer { native_unlock(lock) }
        self.body = body
        self.tasks = tasks
        nextTask.store(0, ordering: .relaxed)
        hasDropped.store(false, ordering: .relaxed)
        running = workers
        allocationFailed = false
        generation += 1
        pthread_cond_broadcast(begun)
        return true
    }

    /// Drops the tasks that no worker has begun.
    func dropTasks() {
        nextTask.store(tasks, ordering: .relaxed)
        hasDropped.store(true, ordering: .relaxed)
    }

    /// Whether the host has cancelled the call of the region.
    var isCancelled: Bool { hasDropped.load(ordering: .relaxed) }

    /// Waits at most so many milliseconds for the workers. Returns whether all are done.
    func hasEnded(within milliseconds: Int32?) -> Bool {
        native_lock(lock)
        defer { native_unlock(lock) }
        if let milliseconds {
            if running > 0 { native_wait_within(ended, lock, milliseconds) }
        } else {
            while running > 0 { pthread_cond_wait(ended, lock) }
        }
        return running == 0
    }

    /// Closes a region whose workers are done. Returns whether an allocation failed in it.
    func end() -> Bool {
        native_lock(lock)
        body = nil
        let hasFailed = allocationFailed
        native_unlock(lock)
        native_unlock(callers)
        return hasFailed
    }

    /// Waits for the region after `seen`; nil when the pool stops.
    func next(after seen: inout Int) -> UnsafePointer<ThreadPool.Body>? {
        native_lock(lock)
        defer { native_unlock(lock) }
        while generation == seen && !stopped { pthread_cond_wait(begun, lock) }
        seen = generation
        return stopped ? nil : body
    }

    func take() -> Int? {
        let task = nextTask.add(1, ordering: .relaxed).oldValue
        return task < tasks ? task : nil
    }

    func finish(allocationFailed failed: Bool) {
        native_lock(lock)
        if failed { allocationFailed = true }
        running -= 1
        if running == 0 { pthread_cond_signal(ended) }
        native_unlock(lock)
    }

    func stop() {
        native_lock(lock)
        stopped = true
        pthread_cond_broadcast(begun)
        native_unlock(lock)
    }
}
