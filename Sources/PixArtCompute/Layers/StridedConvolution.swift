import CKernels
import PixArtStorage

/// A 3x3 convolution with stride 2. It halves the height and width of a map, which are even.
///
/// Channels of a pixel are adjacent, so no pixels are gathered. For all outputs of a row, the taps of the first two
/// columns are the rows of one GEMM (two pixels apart), and the taps of the third column are the rows of another.
package struct StridedConvolution: Sendable {
    /// Which sides of the map are padded with zeros.
    package enum Padding: Sendable {
        /// Right and bottom: (0, 1, 0, 1).
        case after
        /// All sides. For an even size, only the left and top ones are read.
        case around
    }

    private let convolution: Convolution
    private let padding: Padding

    private static let panelWidth = Int(NATIVE_PANEL)
    /// Most outputs of a task: few enough for its inputs to stay in the cache, enough to pay for reading the
    /// weights.
    private static let block = 64

    package init(_ convolution: Convolution, padding: Padding) {
        self.convolution = convolution
        self.padding = padding
    }

    package var outputs: Int { convolution.outputs }

    /// output = convolution(input) + bias. `output` has half the height and width of `input`. Returns the channel
    /// statistics of `output`. Fails with `.memory`.
    @discardableResult
    package func callAsFunction(
        _ input: FeatureMap, into output: FeatureMap, _ pool: ThreadPool, _ buffers: BufferPool? = nil
    ) throws(PixArtError) -> ChannelStatistics {
        precondition(input.height == 2 * output.height && input.width == 2 * output.width)
        precondition(input.channels == convolution.inputs && output.channels == convolution.outputs)
        let panels = try panels(pool, buffers)
        let wide = min(output.width, Self.block)
        let tall = min(output.height, Self.block / wide)
        let (across, down) = ((output.width + wide - 1) / wide, (output.height + tall - 1) / tall)
        let sums = PartialStatistics(slices: across * down, channels: output.channels)
        let work = 2 * 9 * Double(output.pixels.rows) * Double(convolution.inputs * convolution.outputs)
        try pool.run(tasks: across * down, as: .convolution, work: work) { task, _ in
            let (band, place) = task.quotientAndRemainder(dividingBy: across)
            let rows = band * tall..<min((band + 1) * tall, output.height)
            let columns = place * wide..<min((place + 1) * wide, output.width)
            run(input, panels, rows, columns, output, pool.kernels)
            let (sum, square) = sums[task]
            for row in rows {
                pool.kernels.table.pointee.channel_sums(
                    columns.count, output.channels, output.pixels.row(row * output.width + columns.lowerBound), sum,
                    square)
            }
        }
        return sums.total(pixels: output.pixels.rows)
    }

    /// Elements of the packed weights.
    package static func weightCount(inputs: Int, outputs: Int) -> Int {
        (outputs + panelWidth - 1) / panelWidth * panelWidth * 9 * inputs
    }

    /// The packed weights, [outputs / 32][9 taps][inputs][32]. Frees the mapped pages of the stored weights.
    private func panels(_ pool: ThreadPool, _ buffers: BufferPool?) throws(PixArtError) -> AlignedBuffer {
        let (inputs, units) = (convolution.inputs, 9 * convolution.inputs)
        let count = Self.weightCount(inputs: inputs, outputs: convolution.outputs)
        let panels = try AlignedBuffer(count: count, buffers)
        try pool.run(tasks: count / (units * Self.panelWidth), as: .weights) { panel, scratch throws(PixArtError) in
            let first = panel * Self.panelWidth
            let outputs = first..<min(first + Self.panelWidth, convolution.outputs)
            let stored = try scratch.floats(outputs.count * units, slot: 0)
            let ordered = try scratch.floats(outputs.count * units, slot: 1)
            convolution.weight.widen(outputs: outputs, to: stored, pool.kernels)
            for row in 0..<outputs.count {
                let (source, target) = (stored + row * units, ordered + row * units)
                for input in 0..<inputs { for tap in 0..<9 { target[tap * inputs + input] = source[9 * input + tap] } }
            }
            pool.kernels.table.pointee.pack_panel(
                outputs.count, units, ordered, 4 * units, panels.start + first * units)
        }
        convolution.weight.discard()
        return panels
    }

    /// Some columns of some rows of the output.
    private func run(
        _ input: FeatureMap, _ panels: AlignedBuffer, _ rows: Range<Int>, _ columns: Range<Int>, _ output: FeatureMap,
        _ kernels: Kernels
    ) {
        for row in rows {
            for column in columns {
                output.pixels.row(row * output.width + column).update(from: convolution.bias, count: output.channels)
            }
        }
        for first in stride(from: 0, to: output.channels, by: Self.panelWidth) {
            let panel = panels.start + first * 9 * input.channels
            for taps in 0..<3 {
                for row in rows {
                    let line = 2 * row + taps - (padding == .around ? 1 : 0)
                    guard (0..<input.height).contains(line) else { continue }
                    add(
                        input, line, panel + 3 * taps * input.channels * Self.panelWidth, columns, output, row,
                        first..<min(first + Self.panelWidth, output.channels), kernels)
                }
            }
        }
    }

    /// Adds the contribution of one row of three taps to some columns of an output row.
    private func add(
        _ input: FeatureMap, _ line: Int, _ taps: UnsafeMutablePointer<Float>, _ columns: Range<Int>,
        _ output: FeatureMap, _ row: Int, _ channels: Range<Int>, _ kernels: Kernels
    ) {
        let units = input.channels
        func gemm(_ columns: Range<Int>, from column: Int, pixels: Int, tap: Int) {
            guard !columns.isEmpty else { return }
            let target = output.pixels.row(row * output.width + columns.lowerBound) + channels.lowerBound
            kernels.table.pointee.gemm_float32(
                columns.count, channels.count, pixels * units, input.pixels.row(line * input.width + column), 2 * units,
                taps + tap * units * Self.panelWidth, nil, target, output.channels, 1)
        }
        // The output x reads the columns 2x, 2x + 1 and 2x + 2, or 2x - 1, 2x and 2x + 1.
        gemm(columns, from: 2 * columns.lowerBound, pixels: 2, tap: padding == .after ? 0 : 1)
        switch padding {
        case .after:
            let inside = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, output.width - 1))
            gemm(inside, from: 2 * inside.lowerBound + 2, pixels: 1, tap: 2)
        case .around:
            let inside = max(columns.lowerBound, 1)..<max(columns.upperBound, 1)
            gemm(inside, from: 2 * inside.lowerBound - 1, pixels: 1, tap: 0)
        }
    }
}
