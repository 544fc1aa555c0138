import CNative

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
        let results = Slots<Result<PreparedConvolution, PixArtError>>(count: convolutions.count)
        pool.run(tasks: convolutions.count) { task, scratch in
            results[task] = Result { () throws(PixArtError) in
                try PreparedConvolution(convolutions[task], height: height, width: width, pool.count, scratch)
            }
        }
        var prepared: [PreparedConvolution] = []
        for index in convolutions.indices { prepared.append(try results[index]!.get()) }
        return prepared
    }
}

/// A convolution made ready for one size of output.
package final class PreparedConvolution: @unchecked Sendable {
    private let convolution: Convolution
    private let height: Int
    private let width: Int
    private let bandRows: Int
    private let plan: OpaquePointer
    private let weights: AlignedBuffer

    /// Rows of a band: enough pixels for oneDNN to work well, few enough for all workers to have bands.
    private static func bandRows(height: Int, width: Int, workers: Int) -> Int {
        let share = ((height + workers - 1) / workers + 3) / 4 * 4
        return min(height, share, max(8, 1024 / width / 4 * 4))
    }

    /// Runs on a worker, whose thread oneDNN has been made single-threaded on.
    fileprivate init(
        _ convolution: Convolution, height: Int, width: Int, _ workers: Int, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        self.convolution = convolution
        self.height = height
        self.width = width
        let (inputs, outputs) = (convolution.inputs, convolution.outputs)
        bandRows = Self.bandRows(height: height, width: width, workers: workers)
        guard let plan = native_convolution_create(inputs, outputs, bandRows, width) else {
            throw .internal("oneDNN has no 3x3 convolution of \(inputs) to \(outputs) channels, \(height) x \(width)")
        }
        self.plan = plan
        weights = try AlignedBuffer(count: (native_convolution_weights_bytes(plan) + 3) / 4)
        let plain = scratch.floats(outputs * convolution.weight.inputs, slot: 0)
        convolution.weight.widen(outputs: 0..<outputs, to: plain)
        let status = native_convolution_prepare_weights(plan, plain, weights.start)
        guard status == 0 else { throw .internal("oneDNN cannot order the weights of a convolution: status \(status)") }
    }

    deinit { native_convolution_release(plan) }

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
        let statuses = Slots<Int32>(count: bands)
        pool.run(tasks: bands) { band, scratch in
            // The last band moves up to be whole, and then writes only the rows that the one before it did not.
            let first = min(band * bandRows, height - bandRows)
            let source = scratch.floats((bandRows + 2) * width * convolution.inputs, slot: 0)
            let target = scratch.floats(bandRows * width * convolution.outputs, slot: 1)
            let work = scratch.floats((native_convolution_scratch_bytes(plan) + 3) / 4, slot: 2)
            read(input, transform, factor, firstRow: first - 1, into: source)
            statuses[band] = native_convolution_run(plan, weights.start, source, target, work)
            write(target, rows: band * bandRows - first..<bandRows, of: first, into: output, accumulate)
        }
        for band in 0..<bands {
            guard let status = statuses[band], status != 0 else { continue }
            throw .internal("oneDNN cannot run a convolution: status \(status)")
        }
    }

    /// Reads the `bandRows + 2` rows from `firstRow` on, in the plan's order, with zeros outside the image.
    private func read(
        _ input: FeatureMap, _ transform: ChannelTransform?, _ factor: Int, firstRow: Int,
        into source: UnsafeMutablePointer<Float>
    ) {
        let block = native_convolution_in_block(plan)
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
            native_pack_pixels(
                input.width, convolution.inputs, block, plane, line, transform?.scale, transform?.shift,
                transform?.activate == true ? 1 : 0, factor, target)
        }
    }

    /// Writes rows of the band that starts at the image's row `firstRow`.
    private func write(
        _ target: UnsafeMutablePointer<Float>, rows: Range<Int>, of firstRow: Int, into output: FeatureMap,
        _ accumulate: Bool
    ) {
        let block = native_convolution_out_block(plan)
        for row in rows {
            native_unpack_pixels(
                width, convolution.outputs, block, bandRows * width * block, target + row * width * block,
                convolution.bias, accumulate ? 1 : 0, output.pixels.row((firstRow + row) * width))
        }
    }
}

/// Places for what tasks return, one for each, so that no two tasks write to the same memory.
private final class Slots<Value>: @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<Value?>

    init(count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: nil)
    }

    deinit {
        values.deinitialize()
        values.deallocate()
    }

    subscript(index: Int) -> Value? {
        get { values[index] }
        set { values[index] = newValue }
    }
}

extension WeightReader {
    /// The convolution `<name>.weight`, [outputs, inputs, 3, 3], with `<name>.bias`, [outputs].
    package func convolution(_ name: String, outputs: Int, inputs: Int) throws(PixArtError) -> Convolution {
        Convolution(
            weight: try matrix("\(name).weight", outputs: outputs, channels: inputs, kernel: 3),
            bias: try floats("\(name).bias", [outputs]))
    }
}
