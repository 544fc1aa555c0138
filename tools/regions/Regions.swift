import Glibc
import PixArtCompute
import PixArtStorage

// Times parallel regions without work: what a step pays for each of its regions.
//
//     swift run -c release regions [THREADS ...]

func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Microseconds of a region, the best of several rounds. Between regions the caller works for `pause` microseconds.
func microseconds(_ pool: ThreadPool, tasks: Int, pause: Double) throws(PixArtError) -> Double {
    let regions = 500
    var best = Double.infinity
    for _ in 0..<5 {
        var waited = 0.0
        for _ in 0..<regions {
            let start = seconds()
            while seconds() - start < pause * 1e-6 {}
            let begun = seconds()
            try pool.run(tasks: tasks) { _, _ in }
            waited += seconds() - begun
        }
        best = min(best, waited / Double(regions) * 1e6)
    }
    return best
}

let counts = CommandLine.arguments.dropFirst().compactMap { Int($0) }
print("| threads | tasks | µs, region after region | µs, 20 µs between them | µs, 1 ms between them |")
print("|--:|--:|--:|--:|--:|")
for threads in counts.isEmpty ? [1, 2, 8, 64] : counts {
    let pool = try ThreadPool(threads: threads)
    for tasks in [1, 2 * threads] {
        let times = try [0.0, 20, 1000].map { pause throws(PixArtError) in
            try microseconds(pool, tasks: tasks, pause: pause)
        }
        print("| \(threads) | \(tasks) | " + times.map { String(Int($0 * 10) / 10) }.joined(separator: " | ") + " |")
    }
}
