import CKernels
import PixArtStorage

/// A convolution with its weights transformed for Winograd's algorithm; see winograd.h.
///
/// Computes blocks of tiles, each on one worker. Group norm and SiLU are applied while a block is read. Bias, residual
/// and the statistics of the next norm are applied while it is written. So only the input and the output are stored as
/// maps.
package struct WinogradConvolution: Sendable {
    private let convolution: Convolution
    private let upsample: Bool
    /// [position][outputs / 32][inputs][32], with `planeStride` elements from position to position. The stride is
    /// no power of two, because then the positions would share cache sets.
    private let panels: AlignedBuffer
    private let panelCount: Int
    private let panelSize: Int
    private let planeStride: Int

    private static let panelWidth = Int(NATIVE_PANEL)
    private static let lanes = Int(NATIVE_WINOGRAD_LANES)
    private var positions: Int { upsample ? 25 : 36 }

    /// Transforms the weights and frees the mapped pages of the stored ones. With `upsample` the input is
    /// upsampled by 2 before the convolution. Fails with `.memory`.
    package init(
        _ convolution: Convolution, upsample: Bool = false, _ pool: ThreadPool, _ buffers: BufferPool? = nil
    ) throws(PixArtError) {
        self.convolution = convolution
        self.upsample = upsample
        let panelCount = (convolution.outputs + Self.panelWidth - 1) / Self.panelWidth
        let panelSize = convolution.inputs * Self.panelWidth
        let planeStride = panelCount * panelSize + Self.lanes
        let panels = try AlignedBuffer(count: (upsample ? 25 : 36) * planeStride, buffers)
        (self.panels, self.panelCount, self.panelSize, self.planeStride) = (panels, panelCount, panelSize, planeStride)
        try pool.run(tasks: panelCount, as: .weights) { panel, scratch throws(PixArtError) in
            let first = panel * Self.panelWidth
            let outputs = first..<min(first + Self.panelWidth, convolution.outputs)
            let taps = try scratch.floats(outputs.count * convolution.weight.inputs, slot: 0)
            convolution.weight.widen(outputs: outputs, to: taps, pool.kernels)
            pool.kernels.table.pointee.winograd_weights(
                upsample ? 1 : 0, outputs.count, convolution.inputs, taps, panels.start + panel * panelSize,
                planeStride)
        }
        convolution.weight.discard()
    }

    /// output (+)= convolution(transform(input)) + bias.
    ///
    /// `input` has the size of the output, or half its height and width if the convolution upsamples. With
    /// `accumulate` the result is added to `output`, which may not be `input`. With `relu`, ReLU comes last.
    /// Returns the channel statistics of `output`. Fails with `.memory`.
    @discardableResult
    package func callAsFunction(
        _ input: FeatureMap, transform: ChannelAffine? = nil, into output: FeatureMap, accumulate: Bool = false,
        relu: Bool = false, _ pool: ThreadPool
    ) throws(PixArtError) -> ChannelStatistics {
        var sums = ChannelStatistics(channels: output.channels)
        try self(
            input, transform: transform, rows: 0..<output.height, into: output, accumulate: accumulate, relu: relu,
            adding: &sums, pool)
        return sums
    }

    /// The same for the output rows `rows`, one of `parts(height:width:_:)`. Adds their channel statistics to `sums`.
    package func callAsFunction(
        _ input: FeatureMap, transform: ChannelAffine? = nil, rows: Range<Int>, into output: FeatureMap,
        accumulate: Bool = false, relu: Bool = false, adding total: inout ChannelStatistics, _ pool: ThreadPool
    ) throws(PixArtError) {
        let factor = upsample ? 2 : 1
        precondition(input.height * factor == output.height && input.width * factor == output.width)
        precondition(input.channels == convolution.inputs && output.channels == convolution.outputs)
        precondition(transform.map { $0.scale.count == input.channels } ?? true)
        let tiling = WinogradTiling(height: output.height, width: output.width)
        let blocks = tiling.blocks(in: rows)
        // Few blocks for many workers: tasks also split the outputs, so some inputs are transformed more than
        // once.
        let groups = blocks.count >= 2 * pool.count ? 1 : min(panelCount, (2 * pool.count - 1) / blocks.count + 1)
        let group = (panelCount + groups - 1) / groups
        let sums = PartialStatistics(slices: blocks.count, channels: output.channels)
        let tiles = (rows.count + 3) / 4 * ((output.width + 3) / 4)
        let work = 2 * Double(positions * tiles) * Double(convolution.inputs * convolution.outputs)
        try pool.run(tasks: blocks.count * groups, as: .convolution, work: work) { task, scratch throws(PixArtError) in
            let (index, part) = task.quotientAndRemainder(dividingBy: groups)
            let panels = part * group..<min((part + 1) * group, panelCount)
            guard !panels.isEmpty else { return }
            var block = tiling.block(blocks.lowerBound + index, upsample: upsample)
            let ending = (accumulate: accumulate, relu: relu)
            try run(&block, input, transform, panels, output, ending, sums[index], pool.kernels, scratch)
        }
        total.add(sums, pixels: output.width * rows.count)
    }

    /// The same for all outputs, part by part. Frees `input` from the top meanwhile; its contents are undefined
    /// afterwards. `afterPart` is called with the output rows of each part before the rows of the input are freed.
    @discardableResult
    package func consume(
        _ input: FeatureMap, transform: ChannelAffine? = nil, into output: FeatureMap, relu: Bool = false,
        _ pool: ThreadPool, afterPart: (_ rows: Range<Int>) throws(PixArtError) -> Void = { _ in }
    ) throws(PixArtError) -> ChannelStatistics {
        var sums = ChannelStatistics(channels: output.channels)
        for rows in Self.parts(height: output.height, width: output.width, pool) {
            try self(input, transform: transform, rows: rows, into: output, relu: relu, adding: &sums, pool)
            try afterPart(rows)
            input.discard(above: rows.upperBound / (upsample ? 2 : 1) - 1)
        }
        return sums
    }

    /// The parts of an output that is computed from the top while its input is freed: whole blocks, and enough for
    /// all workers. The part `a..<b` reads the input rows `a - 1..<b + 1`, or `a / 2 - 1..<b / 2 + 1` with
    /// upsampling.
    package static func parts(height: Int, width: Int, _ pool: ThreadPool) -> [Range<Int>] {
        let tiling = WinogradTiling(height: height, width: width)
        let rows = 4 * tiling.tileRows * ((8 * pool.count + tiling.across - 1) / tiling.across)
        return stride(from: 0, to: height, by: rows).map { $0..<min($0 + rows, height) }
    }

    // MARK: Memory

    /// Most pixels of a part, approximately.
    package static func partPixels(_ pool: ThreadPool) -> Int { 16 * WinogradTiling.tiles * 8 * pool.count }

    /// Elements of the transformed weights, approximately.
    package static func weightCount(inputs: Int, outputs: Int) -> Int { 36 * inputs * outputs }

    /// Elements that a worker needs for a block, approximately.
    package static func scratchCount(inputs: Int, outputs: Int) -> Int {
        36 * WinogradTiling.tiles * (inputs + outputs + 2 * lanes) + 2 * 16 * WinogradTiling.tiles * lanes
    }

    // MARK: Blocks

    /// One block for the outputs of some panels.
    private func run(
        _ block: inout native_winograd_block, _ input: FeatureMap, _ transform: ChannelAffine?, _ panels: Range<Int>,
        _ output: FeatureMap, _ ending: (accumulate: Bool, relu: Bool),
        _ sums: (sum: UnsafeMutablePointer<Double>, square: UnsafeMutablePointer<Double>), _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let tiles = block.rows * block.columns
        let step = upsample ? 2 : 4
        // These strides are no powers of two either.
        let inputStride = (input.channels + Self.lanes - 1) / Self.lanes * Self.lanes + Self.lanes
        let inputPlane = tiles * inputStride + Self.lanes
        let outputStride = panels.count * Self.panelWidth + Self.lanes
        let outputPlane = tiles * outputStride + Self.lanes
        let work = try scratch.floats((step * block.rows + 2) * (step * block.columns + 2) * Self.lanes, slot: 0)
        let left = try scratch.floats((upsample ? 16 : 36) * inputPlane, slot: 1)
        let outputPlanes = try scratch.floats(positions * outputPlane, slot: 2)

        var source = native_winograd_input(
            pixels: input.pixels.start, held: input.held, channels: input.channels,
            silu: transform?.silu == true ? 1 : 0, work: work, planes: left, plane_stride: inputPlane,
            tile_stride: inputStride)
        kernels.table.pointee.winograd_input(&block, &source, transform?.scale, transform?.shift)
        for position in 0..<positions {
            for panel in panels {
                let first = panel * Self.panelWidth
                let weights = self.panels.start + position * planeStride + panel * panelSize
                kernels.table.pointee.gemm_float32(
                    tiles, min(Self.panelWidth, convolution.outputs - first), convolution.inputs,
                    left + plane(of: position) * inputPlane, inputStride,
                    weights, weights + panelSize,
                    outputPlanes + position * outputPlane + first - panels.lowerBound * Self.panelWidth, outputStride, 0
                )
            }
        }
        var target = native_winograd_output(
            planes: outputPlanes, plane_stride: outputPlane, tile_stride: outputStride, pixels: output.pixels.start,
            held: output.held, channels: output.channels, first: panels.lowerBound * Self.panelWidth,
            end: min(panels.upperBound * Self.panelWidth, output.channels), accumulate: ending.accumulate ? 1 : 0,
            relu: ending.relu ? 1 : 0)
        kernels.table.pointee.winograd_output(&block, &target, convolution.bias, sums.sum, sums.square)
    }

    /// The plane of transformed inputs that a position is multiplied with. With upsampling, X and Y have the same
    /// differences.
    private func plane(of position: Int) -> Int {
        guard upsample else { return position }
        func input(_ filter: Int) -> Int { filter < 3 ? filter : filter - 1 }
        return 4 * input(position / 5) + input(position % 5)
    }
}

/// How a map is split into blocks of tiles of 4x4 pixels.
private struct WinogradTiling {
    /// Most tiles of a block: few enough for a block's planes to stay in the cache, enough to pay for reading the
    /// weights.
    static let tiles = 64
    private static let longest = 16

    let height, width: Int
    /// Size of a block; the last one in a row or column may be smaller.
    let tileRows, tileColumns: Int
    /// Blocks in a row.
    let across: Int

    init(height: Int, width: Int) {
        (self.height, self.width) = (height, width)
        let (down, along) = ((height + 3) / 4, (width + 3) / 4)
        across = (along + Self.longest - 1) / Self.longest
        tileColumns = (along + across - 1) / across
        let most = Self.tiles / tileColumns
        tileRows = (down + (down + most - 1) / most - 1) / ((down + most - 1) / most)
    }

    /// Indices of the blocks that cover some rows of pixels, which are whole blocks.
    func blocks(in rows: Range<Int>) -> Range<Int> {
        precondition(rows.lowerBound % (4 * tileRows) == 0)
        precondition(rows.upperBound % (4 * tileRows) == 0 || rows.upperBound == height)
        let end = (rows.upperBound + 4 * tileRows - 1) / (4 * tileRows)
        return rows.lowerBound / (4 * tileRows) * across..<end * across
    }

    func block(_ index: Int, upsample: Bool) -> native_winograd_block {
        let (row, column) = index.quotientAndRemainder(dividingBy: across)
        let (top, left) = (row * tileRows, column * tileColumns)
        return native_winograd_block(
            height: height, width: width, top: 4 * top, left: 4 * left,
            rows: min(tileRows, (height + 3) / 4 - top), columns: min(tileColumns, (width + 3) / 4 - left),
            upsample: upsample ? 1 : 0)
    }
}
