import PixArtStorage

/// A weight of a linear layer, [outputs, inputs], as it lies in the mapped file or as it was quantized.
package struct WeightMatrix: Sendable {
    /// How elements are held.
    package enum Form: Sendable {
        case float32, float16, bfloat16
        /// With a scale for each output.
        case int8
        /// Two elements a byte, with a scale for each group of four outputs and sixteen inputs. A run of eight inputs lies in
        /// four bytes, the first four in the low halves; runs of sixteen outputs lie side by side. Missing ones are 0.
        case int4

        /// Shape of the elements.
        package func shape(outputs: Int, inputs: Int) -> [Int] {
            switch self {
            case .float32, .float16, .bfloat16, .int8: [outputs, inputs]
            case .int4:
                [
                    (outputs + WeightMatrix.block.outputs - 1) / WeightMatrix.block.outputs,
                    (inputs + WeightMatrix.block.inputs - 1) / WeightMatrix.block.inputs,
                    WeightMatrix.block.outputs, WeightMatrix.block.inputs / 2,
                ]
            }
        }

        fileprivate func elementBytes(outputs: Int, inputs: Int) -> Int {
            elementSize * shape(outputs: outputs, inputs: inputs).reduce(1, *)
        }

        /// Shape of the scales; empty where there are none.
        package func scaleShape(outputs: Int, inputs: Int) -> [Int] {
            switch self {
            case .float32, .float16, .bfloat16: []
            case .int8: [outputs]
            case .int4:
                [
                    (outputs + WeightMatrix.group.outputs - 1) / WeightMatrix.group.outputs,
                    (inputs + WeightMatrix.group.inputs - 1) / WeightMatrix.group.inputs,
                ]
            }
        }

        /// Bytes of a matrix with its scales.
        package func bytes(outputs: Int, inputs: Int) -> Int {
            elementBytes(outputs: outputs, inputs: inputs) + scaleBytes(outputs: outputs, inputs: inputs)
        }

        fileprivate func scaleBytes(outputs: Int, inputs: Int) -> Int {
            let shape = scaleShape(outputs: outputs, inputs: inputs)
            return shape.isEmpty ? 0 : 4 * shape.reduce(1, *)
        }

        var elementSize: Int {
            switch self {
            case .float32: 4
            case .float16, .bfloat16: 2
            case .int8, .int4: 1
            }
        }
    }

    /// Outputs and inputs that share a scale in int4.
    package static let group = (outputs: 4, inputs: 16)
    /// Outputs and inputs that lie side by side in int4.
    package static let block = (outputs: 16, inputs: 8)

    package let outputs: Int
    package let inputs: Int
    package let form: Form
    /// Row-major, of `form.shape`; valid as long as `owners` live.
    private nonisolated(unsafe) let elements: UnsafeRawPointer
    /// As many as `form.scaleShape` says.
    private nonisolated(unsafe) let scales: UnsafePointer<Float>?
    private let owners: [AnyObject & Sendable]
    /// What is mapped, if it is.
    private let stored: StoredTensor?

    /// Elements and scales as they are stored, of as many bytes as form and size say. Copies what the file has at an odd
    /// address, else uses it in place. Fails with `.memory`.
    init(
        _ stored: StoredTensor, scales: StoredTensor? = nil, form: Form, outputs: Int, inputs: Int
    ) throws(PixArtError) {
        precondition(stored.bytes.count == form.elementBytes(outputs: outputs, inputs: inputs))
        precondition((scales?.bytes.count ?? 0) == form.scaleBytes(outputs: outputs, inputs: inputs))
        self.outputs = outputs
        self.inputs = inputs
        self.form = form
        self.stored = stored
        let (elements, owner) = try Self.aligned(stored, to: form.elementSize)
        self.elements = elements
        if let scales {
            let (pointer, scaleOwner) = try Self.aligned(scales, to: 4)
            self.scales = pointer.assumingMemoryBound(to: Float.self)
            owners = [owner, scaleOwner]
        } else {
            self.scales = nil
            owners = [owner]
        }
    }

    private init(outputs: Int, inputs: Int, form: Form, elements: AlignedBuffer, scales: AlignedBuffer?) {
        self.outputs = outputs
        self.inputs = inputs
        self.form = form
        self.elements = UnsafeRawPointer(elements.start)
        self.scales = scales.map { UnsafePointer($0.start) }
        owners = [elements] + (scales.map { [$0] } ?? [])
        stored = nil
    }

    private static func aligned(
        _ stored: StoredTensor, to alignment: Int
    ) throws(PixArtError) -> (UnsafeRawPointer, AnyObject & Sendable) {
        if let start = stored.bytes.baseAddress, UInt(bitPattern: start) % UInt(alignment) == 0 {
            return (start, stored.file)
        }
        let buffer = try AlignedBuffer(count: (stored.bytes.count + 3) / 4)
        let copy = UnsafeMutableRawPointer(buffer.start)
        if let start = stored.bytes.baseAddress { copy.copyMemory(from: start, byteCount: stored.bytes.count) }
        return (UnsafeRawPointer(copy), buffer)
    }

    /// Bytes of elements and scales, and whether they are the mapped file's.
    package var bytes: Int { form.bytes(outputs: outputs, inputs: inputs) }
    package var isMapped: Bool { stored != nil }

    /// Elements and scales, for writing them to a file.
    package func withBytes<Result, Failure: Error>(
        _ body: (_ elements: UnsafeRawBufferPointer, _ scales: UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owners) {} }
        return try body(
            UnsafeRawBufferPointer(start: elements, count: form.elementBytes(outputs: outputs, inputs: inputs)),
            UnsafeRawBufferPointer(start: scales, count: form.scaleBytes(outputs: outputs, inputs: inputs)))
    }

    /// Lets go of the memory of what is mapped: the process does not hold it until it is read again.
    package func discard() { stored?.file.discard(stored!.bytes) }

    // MARK: Rows

    /// The elements of an output as they are held, from a column on, which starts a run in int4.
    func row(_ output: Int, from column: Int = 0) -> UnsafeRawPointer {
        elements + Self.offset(form, inputs: inputs, output, column)
    }

    /// Bytes before an element, of as many inputs.
    private static func offset(_ form: Form, inputs: Int, _ output: Int, _ column: Int) -> Int {
        guard form == .int4 else { return form.elementSize * (output * inputs + column) }
        let runs = (inputs + block.inputs - 1) / block.inputs
        let run = output / block.outputs * runs + column / block.inputs
        return (run * block.outputs + output % block.outputs) * block.inputs / 2
    }

    /// The scales that an output's elements have, or share with its group's.
    private func scales(_ output: Int) -> UnsafePointer<Float> {
        guard form == .int4 else { return scales! + output }
        let columns = form.scaleShape(outputs: outputs, inputs: inputs)[1]
        return scales! + output / Self.group.outputs * columns
    }

    /// Writes the rows of some outputs as float32 to `target`, [outputs, inputs] without gaps between rows, exactly.
    package func widen(outputs range: Range<Int>, into target: Matrix) {
        precondition(target.rows == range.count && target.columns == inputs && target.stride == inputs)
        widen(outputs: range, to: target.start)
    }

    /// The same to an address.
    func widen(outputs range: Range<Int>, to target: UnsafeMutablePointer<Float>, _ kernels: Kernels = .best) {
        for output in range {
            widen(output, 0..<inputs, to: target + (output - range.lowerBound) * inputs, kernels)
        }
    }

    /// Some columns of one output as float32, from the start of a group on.
    private func widen(
        _ output: Int, _ columns: Range<Int>, to target: UnsafeMutablePointer<Float>, _ kernels: Kernels
    ) {
        let count = columns.count
        let source = row(output, from: columns.lowerBound)
        switch form {
        case .float32: target.update(from: source.assumingMemoryBound(to: Float.self), count: count)
        case .float16:
            kernels.table.pointee.widen_float16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .bfloat16:
            kernels.table.pointee.widen_bfloat16(count, source.assumingMemoryBound(to: UInt16.self), target)
        case .int8:
            kernels.table.pointee.widen_int8(
                count, source.assumingMemoryBound(to: Int8.self), scales(output)[0], target)
        case .int4:
            kernels.table.pointee.widen_int4(
                count, source.assumingMemoryBound(to: UInt8.self),
                scales(output) + columns.lowerBound / Self.group.inputs,
                target)
        }
    }

    /// Lays out up to 32 outputs in a panel of `units` for a product of `form`.
    ///
    /// Where the stored form serves, rows are read as they lie; else they are converted some columns at a time, which stay
    /// in the worker's nearest cache. Fails with `.memory`.
    func pack(
        _ outputs: Range<Int>, for product: Operand.Form, units: Int, into panel: inout Panel, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let stored = form.elementSize * inputs
        panel.hasScales = product == .int8 || (product == .bfloat16 && form == .int8)
        if form == .int8 { panel.scales.update(from: scales(outputs.lowerBound), count: outputs.count) }
        switch (product, form) {
        case (.float32, .float32) where stored % 4 == 0, (.bfloat16, .bfloat16) where stored % 4 == 0,
            (.int8, .int8) where stored % 4 == 0:
            kernels.table.pointee.pack_panel(outputs.count, units, row(outputs.lowerBound), stored, panel.elements)
        default: try packConverted(outputs, for: product, into: panel, kernels, scratch)
        }
        if product == .int8, form != .int4 {
            kernels.table.pointee.zero_point_sums!(units, panel.elements, panel.zeroPointSums)
        }
    }

    private func packConverted(
        _ outputs: Range<Int>, for product: Operand.Form, into panel: Panel, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        if form == .int4, product == .int8 || product == .roundedInt8 {
            for first in Swift.stride(from: 0, to: outputs.count, by: Self.group.outputs) {
                let scale = kernels.table.pointee.int4_scale(inputs, scales(outputs.lowerBound + first))
                let count = min(Self.group.outputs, outputs.count - first)
                (panel.scales + first).update(repeating: scale, count: count)
            }
        }
        if form == .int4, product == .int8 {
            return kernels.table.pointee.pack_int4!(
                outputs.count, inputs, row(outputs.lowerBound).assumingMemoryBound(to: UInt8.self),
                scales(outputs.lowerBound), panel.scales, panel.elements, panel.zeroPointSums)
        }
        // Rounding floating point to int8 looks at whole rows.
        let looksAtRows = (product == .int8 || product == .roundedInt8) && form != .int8 && form != .int4
        let block = looksAtRows ? inputs : min(inputs, Self.conversionBlock)
        let stride = Operand.stride(columns: block, form: product)
        let rows = UnsafeMutableRawPointer(try scratch.floats(outputs.count * stride / 4, slot: 6))
        let wide = try scratch.floats(block, slot: 7)
        for first in Swift.stride(from: 0, to: inputs, by: block) {
            let columns = first..<min(first + block, inputs)
            let blockUnits = (columns.count * product.size + 3) / 4
            for (index, output) in outputs.enumerated() {
                let row = rows + index * stride
                (row + 4 * blockUnits - 4).storeBytes(of: 0, as: UInt32.self)
                convert(output, columns, for: product, to: row, scale: panel.scales + index, wide, kernels)
            }
            kernels.table.pointee.pack_panel(
                outputs.count, blockUnits, rows, stride, panel.elements + first * product.size / 4 * Panel.width)
        }
    }

    /// Columns that are converted at a time: whole groups.
    private static let conversionBlock = 512

    /// Some columns of one output for a product. `scale` is that of the output's int8 numbers; it is written where they are
    /// made of floating point, from all columns. `wide` has room for the columns in float32.
    private func convert(
        _ output: Int, _ columns: Range<Int>, for product: Operand.Form, to target: UnsafeMutableRawPointer,
        scale: UnsafeMutablePointer<Float>, _ wide: UnsafeMutablePointer<Float>, _ kernels: Kernels
    ) {
        let count = columns.count
        let source = row(output, from: columns.lowerBound)
        let bytes = target.assumingMemoryBound(to: Int8.self)
        let halves = target.assumingMemoryBound(to: UInt16.self)
        let floats = target.assumingMemoryBound(to: Float.self)
        func int8(into bytes: UnsafeMutablePointer<Int8>) {
            switch form {
            case .int8: bytes.update(from: source.assumingMemoryBound(to: Int8.self), count: count)
            case .int4:
                kernels.table.pointee.int4_as_int8(
                    count, source.assumingMemoryBound(to: UInt8.self),
                    scales(output) + columns.lowerBound / Self.group.inputs, scale.pointee, bytes)
            case .float32, .float16, .bfloat16:
                let row = target == UnsafeMutableRawPointer(bytes) ? wide : floats
                widen(output, columns, to: row, kernels)
                scale.pointee = kernels.table.pointee.quantize_int8(count, row, bytes)
            }
        }
        switch product {
        case .float32: widen(output, columns, to: floats, kernels)
        case .int8: int8(into: bytes)
        case .roundedInt8:
            let narrow = UnsafeMutableRawPointer(wide).assumingMemoryBound(to: Int8.self)
            int8(into: narrow)
            kernels.table.pointee.widen_int8(count, narrow, scale.pointee, floats)
        case .bfloat16:
            switch form {
            case .bfloat16: halves.update(from: source.assumingMemoryBound(to: UInt16.self), count: count)
            case .int8:
                kernels.table.pointee.int8_as_bfloat16(count, source.assumingMemoryBound(to: Int8.self), halves)
            case .float32, .float16, .int4:
                widen(output, columns, to: wide, kernels)
                kernels.table.pointee.narrow_bfloat16(count, wide, halves)
            }
        case .roundedBfloat16:
            widen(output, columns, to: floats, kernels)
            guard form != .bfloat16, form != .int8 else { break }
            let narrow = UnsafeMutableRawPointer(wide).assumingMemoryBound(to: UInt16.self)
            kernels.table.pointee.narrow_bfloat16(count, floats, narrow)
            kernels.table.pointee.widen_bfloat16(count, narrow, floats)
        }
    }

    // MARK: Other precisions

    /// The same weights in another precision; `auto` and the precision that they have change nothing. Fails with `.memory`.
    package func converted(to precision: WeightPrecision, _ pool: ThreadPool) throws(PixArtError) -> WeightMatrix {
        let target: Form
        switch precision {
        case .auto: return self
        case .float32: target = .float32
        case .bfloat16: target = .bfloat16
        case .int8: target = .int8
        case .int4: target = .int4
        }
        if target == form { return self }
        let shape = target.scaleShape(outputs: outputs, inputs: inputs)
        let bytes = target.elementBytes(outputs: outputs, inputs: inputs)
        let elements = try AlignedBuffer(count: (bytes + 3) / 4)
        let start = UnsafeMutableRawPointer(elements.start)
        let scales = shape.isEmpty ? nil : try AlignedBuffer(count: shape.reduce(1, *))
        if target == .int4 {
            // The last block may lack outputs.
            let last = Self.offset(target, inputs: inputs, outputs / Self.block.outputs * Self.block.outputs, 0)
            (start + last).initializeMemory(as: UInt8.self, repeating: 0x88, count: bytes - last)
        }
        // Whole groups of outputs.
        try pool.run(total: outputs, grain: Self.block.outputs, as: .weights) {
            range, scratch throws(PixArtError) in
            let wide = try scratch.floats(Self.group.outputs * inputs, slot: 7)
            let table = pool.kernels.table.pointee
            for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: Self.group.outputs) {
                let some = first..<min(first + Self.group.outputs, range.upperBound)
                widen(outputs: some, to: wide, pool.kernels)
                if target == .int4 {
                    let place = start + Self.offset(target, inputs: inputs, first, 0)
                    table.quantize_int4(
                        some.count, inputs, wide, place.assumingMemoryBound(to: UInt8.self),
                        scales!.start + first / Self.group.outputs * shape[1])
                    continue
                }
                for index in 0..<some.count {
                    let source = wide + index * inputs
                    let place = start + Self.offset(target, inputs: inputs, first + index, 0)
                    switch target {
                    case .float32: place.copyMemory(from: source, byteCount: 4 * inputs)
                    case .bfloat16: table.narrow_bfloat16(inputs, source, place.assumingMemoryBound(to: UInt16.self))
                    case .int8:
                        scales!.start[first + index] = table.quantize_int8(
                            inputs, source, place.assumingMemoryBound(to: Int8.self))
                    case .float16, .int4: preconditionFailure("nothing is converted to \(target) row by row")
                    }
                }
            }
        }
        discard()
        return WeightMatrix(outputs: outputs, inputs: inputs, form: target, elements: elements, scales: scales)
    }
}
