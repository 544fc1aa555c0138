import Foundation
import PixArtCompute
import PixArtStorage
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    /// Each task once, however many there are, on the threads asked for.
    @Test(arguments: [1, 2, 5], [0, 1, 3, 1000])
    func everyTaskOnce(_ threads: Int, _ tasks: Int) throws {
        let pool = try ThreadPool(threads: threads)
        let seen = Mutex([Int](repeating: 0, count: tasks))
        let workers = Mutex(Set<UInt>())
        pool.run(tasks: tasks) { task, _ in
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
        pool.run(total: 103, grain: 10) { range, _ in seen.withLock { $0.append(range) } }
        let sorted = seen.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
        #expect(sorted.flatMap { Array($0) } == Array(0..<103))
        #expect(sorted.allSatisfy { $0.count <= 10 })
    }

    /// What a task throws reaches the caller, after all tasks have run.
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
                pool.run(tasks: 7) { task, _ in sum.add(task, ordering: .relaxed) }
                if sum.load(ordering: .relaxed) == 21 { total.add(1, ordering: .relaxed) }
            }
        }
        #expect(total.load(ordering: .relaxed) == 800)
    }
}
