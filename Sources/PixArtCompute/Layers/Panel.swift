import CKernels
import PixArtStorage

/// Weights of up to 32 outputs laid out for a product, in a worker's memory.
struct Panel {
    static let width = Int(NATIVE_PANEL)

    /// [units][32]
    let elements: UnsafeMutablePointer<Float>
    /// What the sums of each output are to be multiplied by, if anything.
    let scales: UnsafeMutablePointer<Float>
    var hasScales = false
    /// What the zero point of rows in int8 adds to the sums of each output.
    let zeroPointSums: UnsafeMutablePointer<Int32>

    /// Panels of undefined contents, side by side. Fails with `.memory`.
    static func several(
        _ count: Int, units: Int, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) -> [Panel] {
        let elements = try scratch.floats(count * units * width, slot: 0)
        let scales = try scratch.floats(2 * count * width, slot: 1)
        return (0..<count).map { index in
            let sums = UnsafeMutableRawPointer(scales + (count + index) * width)
            return Panel(
                elements: elements + index * units * width, scales: scales + index * width,
                zeroPointSums: sums.assumingMemoryBound(to: Int32.self))
        }
    }
}
