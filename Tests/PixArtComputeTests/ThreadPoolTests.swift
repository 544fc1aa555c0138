import Foundation
import PixArtCompute
import PixArtStorage
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    /// Each task runs once, however many there are, on the requested threads.
    @Test(arguments: [1, 2, 5], [0, 1, 3, 1000])
    func everyTaskOnce(_ threads: Int, _ tasks: Int) throws {
        let pool = try ThreadPool(threads: threads)
        let seen = Mutex([Int](repeating: 0, count: tasks))
        let workers = Mutex(Set<UInt>())
        try pool.run(tasks: tasks) { task, _ in
            seen.withLock { $0[task] += 1 }
            workers.withLock { _ = $0.insert(UInt(pthread_self())) }
        }
        #expect(seen.withLock { $0 } == [Int](repeating: 1, count: tasks))
        #expect(workers.withLock { $0.count } <= threads)
        #expect(!workers.withLock { $0.contains(UInt(pthread_self())) })
    }

    @Test func rangesMakeUpTheWhole() throws {
        let pool = try ThreadPool(threads: 2)
        let seen = Mutex<[Range<Int>]>([])
        try pool.run(total: 103, grain: 10) { range, _ in seen.withLock { $0.append(range) } }
        let sorted = seen.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
        #expect(sorted.flatMap { Array($0) } == Array(0..<103))
        #expect(sorted.allSatisfy { $0.count <= 10 })
    }

    /// An error of a task reaches the caller after all tasks have run.
    @Test func errorsAreThrown() throws {
        let pool = try ThreadPool(threads: 2)
        let ran = Atomic<Int>(0)
        #expect(throws: PixArtError.cancelled) {
            try pool.run(tasks: 50) { task, _ throws(PixArtError) in
                ran.add(1, ordering: .relaxed)
                if task == 20 { throw .cancelled }
            }
        }
        #expect(ran.load(ordering: .relaxed) == 50)
    }

    /// Regions of several callers take turns and do not mix.
    @Test func callersTakeTurns() throws {
        let pool = try ThreadPool(threads: 2)
        let total = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<200 {
                let sum = Atomic<Int>(0)
                try? pool.run(tasks: 7) { task, _ in sum.add(task, ordering: .relaxed) }
                if sum.load(ordering: .relaxed) == 21 { total.add(1, ordering: .relaxed) }
            }
        }
        #expect(total.load(ordering: .relaxed) == 800)
    }

    /// The host is asked while workers are busy. After it cancels, no further task begins.
    @Test func cancellingARegion() throws {
        let pool = try ThreadPool(threads: 2)
        let asked = Atomic<Int>(0)
        let begun = Atomic<Int>(0)
        let callback: CallProgress.Callback = { _, _, _ in asked.add(1, ordering: .relaxed).newValue < 3 }
        #expect(throws: PixArtError.cancelled) {
            try CallProgress.run(callback) {
                try pool.run(tasks: 100_000) { _, _ in
                    begun.add(1, ordering: .relaxed)
                    usleep(10_000)
                }
            }
        }
        #expect(asked.load(ordering: .relaxed) == 3)
        #expect((1..<100_000).contains(begun.load(ordering: .relaxed)))
        let after = Atomic<Int>(0)
        try pool.run(tasks: 10) { _, _ in after.add(1, ordering: .relaxed) }
        #expect(after.load(ordering: .relaxed) == 10)
    }

    /// A long task sees that its call is cancelled; the tasks of the next call do not.
    @Test func longTasksSeeACancellation() throws {
        let pool = try ThreadPool(threads: 2)
        #expect(throws: PixArtError.cancelled) {
            try CallProgress.run({ _, _, _ in false }) {
                try pool.run(tasks: 2) { _, scratch in while !scratch.isCancelled { usleep(1000) } }
            }
        }
        let cancelled = Atomic<Int>(0)
        try pool.run(tasks: 10) { _, scratch in if scratch.isCancelled { cancelled.add(1, ordering: .relaxed) } }
        #expect(cancelled.load(ordering: .relaxed) == 0)
    }

    /// A callback that computes on the pool that the call waits for does so on its own thread. Another caller
    /// waits.
    @Test func regionsWithinACallback() throws {
        let pool = try ThreadPool(threads: 2)
        let inner = Atomic<Int>(0)
        let outer = Atomic<Int>(0)
        let callback: CallProgress.Callback = { _, _, _ in
            // A call without a callback, as by the host.
            try? CallProgress.run(nil) { try pool.run(tasks: 5) { _, _ in inner.add(1, ordering: .relaxed) } }
            return true
        }
        try CallProgress.run(callback) {
            try pool.run(tasks: 20) { _, _ in
                outer.add(1, ordering: .relaxed)
                usleep(20_000)
            }
        }
        #expect(outer.load(ordering: .relaxed) == 20)
        #expect(inner.load(ordering: .relaxed) >= 5 && inner.load(ordering: .relaxed) % 5 == 0)
    }
}
