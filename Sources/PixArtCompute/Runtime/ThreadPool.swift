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

    package static let maximum = 1024
    /// OpenBLAS has memory for a few more concurrent GEMMs than this.
    private static let maximumOfBLAS = 128
    /// Seconds that a worker looks for a task before it sleeps. Waking a thread takes about a tenth of it.
    private static let patience = 50e-6

    package let count: Int
    /// The process that has these threads.
    package let process = ProcessIdentity.current
    /// The kernels of this pool's instruction set.
    package let kernels: Kernels
    /// The time of this pool's regions.
    package let profile = Profile()
    /// Memory that the tasks of a region share.
    let buffers = BufferPool()
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
        let processors = native_available_processors()
        let most = kernels.usesBLAS ? Self.maximumOfBLAS : Self.maximum
        guard requested <= most else {
            throw .option(
                "option \"threads\" is \(requested); expected at most \(most) with instructions \"\(kernels.name)\"")
        }
        count = requested > 0 ? requested : min(processors, most)
        blasWorkers = kernels.usesBLAS ? count : 0
        guard blasWorkers == 0 || native_blas_reserve(blasWorkers) != 0 else {
            throw .memory("cannot start \(count) threads: no address space for OpenBLAS, 128 MiB each")
        }
        // The caller may spin only if there is a processor for it.
        queue = WorkQueue(
            patience: count <= processors ? Self.patience : 0,
            patienceOfCaller: count < processors ? Self.patience : 0)
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
    package var scratchBytes: Int { 4 * queue.scratch.load(ordering: .relaxed) + buffers.waitingBytes }

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
        try lend(caught) { body throws(PixArtError) in try wait(for: tasks, body) }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    // Where a closure ends, its check is compiled with the length of this file's path: the compiler maps the path itself
    // only. A name of this function's own, up to its closing brace, makes builds equal in every folder.
    #sourceLocation(file:"ThreadPool.lend",line:1)
    /// Calls `use` with a place that holds `body` until `use` returns.
    private func lend(
        _ body: Body, to use: (UnsafePointer<Body>) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        try withoutActuallyEscaping(body) { body throws(PixArtError) in
            try withUnsafePointer(to: body, use)
        }
    }
    #sourceLocation()

    /// Runs tasks on the workers, and regularly asks the host whether to continue.
    private func wait(for tasks: Int, _ body: UnsafePointer<Body>) throws(PixArtError) {
        let progress = CallProgress.current
        while !queue.begin(tasks: tasks, body, within: progress == nil ? nil : CallProgress.interval) {
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
        while queue.hasTasks() {
            var count = 0
            while queue.runTask(scratch) { count += 1 }
            queue.finish(count, allocationFailed: AllocationFailure.take())
        }
        return nil
    }
}

/// The tasks of the region that runs now, shared by its caller and the workers of a pool.
///
/// A worker takes a task by counting `untaken` down, so whoever has taken one knows that the region goes on until it
/// has counted `unfinished` down. Workers without a task look for one for a short time, because a network's regions
/// follow each other within microseconds. Then they sleep, and a region wakes no more of them than it has tasks.
private final class WorkQueue: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let callers = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let begun = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Lies in the frame of the caller of `run`, which outlives the region.
    private var body: UnsafePointer<ThreadPool.Body>?
    private var tasks = 0
    private let untaken = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let allocationFailed = Atomic<Bool>(false)
    private let hasDropped = Atomic<Bool>(false)
    /// Seconds that a worker looks for a task before it sleeps, and that a caller looks whether all are done: 0 if it
    /// would hold up others, because there are fewer processors.
    private let patience, patienceOfCaller: Double
    /// Elements of all workers' memory.
    fileprivate let scratch = Atomic<Int>(0)

    init(patience: Double, patienceOfCaller: Double) {
        self.patience = patience
        self.patienceOfCaller = patienceOfCaller
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

    // MARK: The caller

    /// Publishes a region when the other caller's region has ended; `end` closes it. Returns false if the other
    /// one does not end within so many milliseconds; nil waits without limit.
    func begin(tasks: Int, _ body: UnsafePointer<ThreadPool.Body>, within milliseconds: Int32?) -> Bool {
        if let milliseconds {
            guard native_lock_within(callers, milliseconds) != 0 else { return false }
        } else {
            native_lock(callers)
        }
        self.body = body
        self.tasks = tasks
        hasDropped.store(false, ordering: .relaxed)
        allocationFailed.store(false, ordering: .relaxed)
        unfinished.store(tasks, ordering: .relaxed)
        // Either a worker that goes to sleep sees the tasks, or it is seen here.
        untaken.store(tasks, ordering: .sequentiallyConsistent)
        wake(min(tasks, sleepers.load(ordering: .sequentiallyConsistent)))
        return true
    }

    private func wake(_ count: Int) {
        guard count > 0 else { return }
        native_lock(lock)
        for _ in 0..<count { pthread_cond_signal(begun) }
        native_unlock(lock)
    }

    /// Drops the tasks that no worker has begun.
    func dropTasks() {
        hasDropped.store(true, ordering: .relaxed)
        finish(untaken.exchange(0, ordering: .acquiringAndReleasing))
    }

    /// Waits at most so many milliseconds for the tasks. Returns whether all are done.
    func hasEnded(within milliseconds: Int32?) -> Bool {
        guard !Self.look(for: patienceOfCaller, isFinished) else { return true }
        native_lock(lock)
        defer { native_unlock(lock) }
        if let milliseconds {
            if !isFinished { native_wait_within(ended, lock, milliseconds) }
        } else {
            while !isFinished { pthread_cond_wait(ended, lock) }
        }
        return isFinished
    }

    private var isFinished: Bool { unfinished.load(ordering: .acquiring) == 0 }

    /// Closes a region whose tasks are done. Returns whether an allocation failed in it.
    func end() -> Bool {
        let hasFailed = allocationFailed.load(ordering: .relaxed)
        native_unlock(callers)
        return hasFailed
    }

    func stop() {
        native_lock(lock)
        stopped.store(true, ordering: .relaxed)
        pthread_cond_broadcast(begun)
        native_unlock(lock)
    }

    // MARK: The workers

    /// Waits for a region with tasks. Returns false when the pool stops.
    func hasTasks() -> Bool {
        guard !Self.look(for: patience, isUrgent) else { return !stopped.load(ordering: .relaxed) }
        native_lock(lock)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !isUrgent { pthread_cond_wait(begun, lock) }
        sleepers.subtract(1, ordering: .relaxed)
        native_unlock(lock)
        return !stopped.load(ordering: .relaxed)
    }

    /// Looks for so many seconds whether a condition holds. Returns whether it does.
    private static func look(for patience: Double, _ condition: @autoclosure () -> Bool) -> Bool {
        guard patience > 0 else { return false }
        let end = Profile.now + patience
        repeat {
            for _ in 0..<32 {
                if condition() { return true }
                native_pause()
            }
            // Lets another thread run that waits for this processor.
            sched_yield()
        } while Profile.now < end
        return false
    }

    private var isUrgent: Bool {
        untaken.load(ordering: .sequentiallyConsistent) > 0 || stopped.load(ordering: .relaxed)
    }

    /// Takes a task of the region and runs it. Returns false if all are taken.
    func runTask(_ scratch: ThreadPool.Scratch) -> Bool {
        var left = untaken.load(ordering: .relaxed)
        while left > 0 {
            let (taken, found) = untaken.weakCompareExchange(
                expected: left, desired: left - 1, ordering: .acquiringAndReleasing)
            if taken, let body {
                body.pointee(tasks - left, scratch)
                return true
            }
            left = found
        }
        return false
    }

    /// Whether the host has cancelled the call of the region.
    var isCancelled: Bool { hasDropped.load(ordering: .relaxed) }

    /// Counts tasks that this thread has run.
    func finish(_ count: Int, allocationFailed failed: Bool = false) {
        if failed { allocationFailed.store(true, ordering: .relaxed) }
        guard count > 0, unfinished.subtract(count, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        native_lock(lock)
        pthread_cond_signal(ended)
        native_unlock(lock)
    }
}
