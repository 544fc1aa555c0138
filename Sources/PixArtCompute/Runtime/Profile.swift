import Glibc
import PixArtStorage

/// Seconds and operations of each kind of work.
package final class Profile: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case gemmFloat32 = "gemm_float32"
        case gemmBfloat16 = "gemm_bfloat16"
        case gemmInt8 = "gemm_int8"
        case attention
        case convolution
        /// Norms and rounding of rows.
        case rows
        /// Conversion of weights.
        case weights
        case other
    }

    package struct Entry: Sendable {
        package var seconds = 0.0
        /// Additions and multiplications; 0 if they are not counted.
        package var work = 0.0
    }

    private let table = Locked(Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0, Entry()) }))

    /// Seconds of a monotonic clock.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    func add(_ kind: Kind, seconds: Double, work: Double) {
        table.withLock {
            $0[kind, default: Entry()].seconds += seconds
            $0[kind, default: Entry()].work += work
        }
    }

    /// Everything added since the pool was created, for every kind.
    package var entries: [Kind: Entry] { table.withLock { $0 } }
}
