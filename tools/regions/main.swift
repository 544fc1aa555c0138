import Glibc
import PixArtCompute
import PixArtStorage

// Times parallel regions without work, which a step pays for each of its regions; or models a step with many workers.
//
//     swift run -c release regions [THREADS ...]
//     swift run -c release regions model PIXELS SECONDS SECONDS SECONDS
//
// The seconds are those of GEMMs, attention and rows of a step in int8 on one processor.

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

func printRegions(_ counts: [Int]) throws {
    print("| threads | tasks | µs, region after region | µs, 20 µs between them | µs, 1 ms between them |")
    print("|--:|--:|--:|--:|--:|")
    for threads in counts {
        let pool = try ThreadPool(threads: threads)
        for tasks in [1, 2 * threads] {
            let times = try [0.0, 20, 1000].map { pause throws(PixArtError) in
                try microseconds(pool, tasks: tasks, pause: pause)
            }
            print("| \(threads) | \(tasks) | " + times.map { "\(Int($0))" }.joined(separator: " | ") + " |")
        }
    }
}

let arguments = CommandLine.arguments.dropFirst()
let numbers = arguments.compactMap { Double($0) }
if arguments.first == "model", numbers.count == 4 {
    let side = Int(numbers[0]) / 16
    let model = StepModel(tokens: side * side, gemm: numbers[1], attention: numbers[2], rows: numbers[3])
    // Two messages between sockets or distant cores, and one for each worker.
    model.print { 3 + 0.15 * Double($0) }
} else {
    try printRegions(numbers.isEmpty ? [1, 2, 8, 64] : numbers.map { Int($0) })
}
