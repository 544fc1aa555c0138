import CNative
import Synchronization

/// A 3x3 convolution with padding 1, its weights in the precision they are stored in.
///
/// Runs in horizontal bands, each on one worker: reading a band applies the normalisation, activation and enlargement
/// that come before the convolution, and writing it applies bias and residual, so that no map is stored but for its
/// input and its output.
package struct Convolution: Sendable {
    package let weight: WeightMatrix
    package let bias: [Float]
    package let inputs: Int
    package var outputs: Int { weight.outputs }

    package init(weight: WeightMatrix, bias: [Float]) {
        self.weight = weight
        self.bias = bias
        inputs = weight.inputs / 9
    }

    /// Runs once: see `PreparedConvolution`.
    package func apply(
        to input: FeatureMap, transform: ChannelTransform? = nil, enlarge: Bool = false, into output: FeatureMap,
        _ pool: ThreadPool
    ) throws(PixArtError) {
        let prepared = try Self.prepare([self], height: output.height, width: output.width, pool)
        try prepared[0](input, transform: transform, enlarge: enlarge, into: output, pool)
    }

    /// Plans and weights of several convolutions for outputs of `height` x `width`, made side by side. Fails with
    /// `.memory`, or `.internal` where oneDNN refuses.
    package static func prepare(
        _ convolutions: [Convolution], height: Int, width: Int, _ pool: ThreadPool
    ) throws(PixArtError) -> [PreparedConvolution] {
        let prepared = Mutex([PreparedConvolution?](repeating: nil, count: convolutions.count))
        try pool.run(tasks: convolutions.count) { task, scratch throws(PixArtError) in
            let one = try PreparedConvolution(
                convolutions[task], height: height, width: width, workers: pool.count, scratch)
            prepared.withLock { $0[task] = one }
        }
        return prepared.withLock { $0.compactMap { $0 } }
    }
}

/// Owns a plan of oneDNN for one geometry.
private final class ConvolutionPlan: @unchecked Sendable {
    let pointer: OpaquePointer

    init?(inputs: Int, outputs: Int, rows: Int, width: Int) {
        guard let pointer = native_convolution_create(inputs, outputs, rows, width) else { return nil }
        self.pointer = pointer
    }

    deinit { native_convolution_release(pointer) }

    /// Channels that lie together in what the plan reads and writes.
    var inputBlock: Int { native_convolution_in_block(pointer) }
    var outputBlock: Int { native_convolution_out_block(pointer) }
    /// Elements of prepared weights, and of the memory that a run works in.
    var weightCount: Int { (native_convolution_weights_bytes(pointer) + 3) / 4 }
    var scratchCount: Int { (native_convolution_scratch_bytes(pointer) + 3) / 4 }
}

/// A convolution made ready for one size of output.
package final class PreparedConvolution: Sendable {
    private let convolution: Convolution
    private let height: Int
    private let width: Int
    private let bandRows: Int
    private let plan: ConvolutionPlan
    private let weights: AlignedBuffer

    /// Rows of a band: enough pixels for oneDNN to work well, few enough for all workers to have bands.
    private static func bandRows(height: Int, width: Int, workers: Int) -> Int {
        let share = ((height + workers - 1) / workers + 3) / 4 * 4
        return min(height, share, max(8, 1024 / width / 4 * 4))
    }

    /// Runs on a worker, whose thread oneDNN has been made single-threaded on.
    fileprivate init(
        _ convolution: Convolution, height: Int, width: Int, workers: Int, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        self.convolution = convolution
        self.height = height
        self.width = width
        let (inputs, outputs) = (convolution.inputs, convolution.outputs)
        bandRows = Self.bandRows(height: height, width: width, workers: workers)
        guard let plan = ConvolutionPlan(inputs: inputs, outputs: outputs, rows: bandRows, width: width) else {
            throw .internal("oneDNN has no 3x3 convolution of \(inputs) to \(outputs) channels, \(height) x \(width)")
        }
        self.plan = plan
        weights = try AlignedBuffer(count: plan.weightCount)
        let plain = try scratch.floats(outputs * convolution.weight.inputs, slot: 0)
        convolution.weight.widen(outputs: 0..<outputs, to: plain)
        let status = native_convolution_prepare_weights(plan.pointer, plain, weights.start)
        guard status == 0 else { throw .internal("oneDNN cannot order the weights of a convolution: status \(status)") }
    }

    /// output (+)= convolution(enlarge(transform(input))) + bias.
    ///
    /// `input` has the output's size, or with `enlarge` half of it in each direction: pixels are then doubled. With
    /// `accumulate` the result is added to what `output` holds, which may not be `input`.
    package func callAsFunction(
        _ input: FeatureMap, transform: ChannelTransform? = nil, enlarge: Bool = false, into output: FeatureMap,
        accumulate: Bool = false, _ pool: ThreadPool
    ) throws(PixArtError) {
        let factor = enlarge ? 2 : 1
        precondition(output.height == height && output.width == width)
        precondition(input.height * factor == height && input.width * factor == width)
        precondition(input.channels == convolution.inputs && output.channels == convolution.outputs)
        let bands = (height + bandRows - 1) / bandRows
        try pool.run(tasks: bands, as: .convolution) { band, scratch throws(PixArtError) in
            // The last band moves up to be whole, and then writes only the rows that the one before it did not.
            let first = min(band * bandRows, height - bandRows)
            let source = try scratch.floats((bandRows + 2) * width * convolution.inputs, slot: 0)
            let target = try scratch.floats(bandRows * width * convolution.outputs, slot: 1)
            let work = try scratch.floats(plan.scratchCount, slot: 2)
            read(input, transform, factor, firstRow: first - 1, into: source, pool.kernels)
            let status = native_convolution_run(plan.pointer, weights.start, source, target, work)
            guard status == 0 else { throw .internal("oneDNN cannot run a convolution: status \(status)") }
            write(target, rows: band * bandRows - first..<bandRows, of: first, into: output, accumulate, pool.kernels)
        }
    }

    /// Reads the `bandRows + 2` rows from `firstRow` on, in the plan's order, with zeros outside the image.
    private func read(
        _ input: FeatureMap, _ transform: ChannelTransform?, _ factor: Int, firstRow: Int,
        into source: UnsafeMutablePointer<Float>, _ kernels: Kernels
    ) {
        let block = plan.inputBlock
        let plane = (bandRows + 2) * width * block
        for row in 0..<bandRows + 2 {
            let target = source + row * width * block
            guard (0..<height).contains(firstRow + row) else {
                for first in 0..<convolution.inputs / block {
                    (target + first * plane).update(repeating: 0, count: width * block)
                }
                continue
            }
            let line = input.pixels.row((firstRow + row) / factor * input.width)
            kernels.table.pointee.pack_pixels(
                input.width, convolution.inputs, block, plane, line, transform?.scale, transform?.shift,
                transform?.activate == true ? 1 : 0, factor, target)
        }
    }

    /// Writes rows of the band that starts at the image's row `firstRow`.
    private func write(
        _ target: UnsafeMutablePointer<Float>, rows: Range<Int>, of firstRow: Int, into output: FeatureMap,
        _ accumulate: Bool, _ kernels: Kernels
    ) {
        let block = plan.outputBlock
        for row in rows {
            kernels.table.pointee.unpack_pixels(
                width, convolution.outputs, block, bandRows * width * block, target + row * width * block,
                convolution.bias, accumulate ? 1 : 0, output.pixels.row((firstRow + row) * width))
        }
    }
}

extension WeightReader {
    /// The convolution `<name>.weight`, [outputs, inputs, 3, 3], with `<name>.bias`, [outputs].
    package func convolution(_ name: String, outputs: Int, inputs: Int) throws(PixArtError) -> Convolution {
        Convolution(
            weight: try matrix("\(name).weight", outputs: outputs, channels: inputs, kernel: 3, policy: .bfloat16),
            bias: try floats("\(name).bias", [outputs]))
    }
}
