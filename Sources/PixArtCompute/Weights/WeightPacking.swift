import CKernels
import PixArtStorage

// Packing: weights laid out for a GEMM, in the encoding of its activations.

extension WeightMatrix {
    /// Whether the sums of its panels for activations in this encoding have scales.
    func scalesSums(for activations: ActivationRows.Encoding) -> Bool {
        activations == .int8 || (activations == .bfloat16 && encoding == .int8)
    }

    /// Packs up to 32 outputs in a panel of `units` for activations in this encoding.
    ///
    /// If the stored encoding fits, rows are packed directly. Otherwise some columns are converted at a time,
    /// which stay in the worker's L1 cache. Fails with `.memory`.
    func pack(
        _ outputs: Range<Int>, for activations: ActivationRows.Encoding, units: Int, into panel: Panel,
        _ kernels: Kernels, _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        let stored = encoding.layout.runBytes * inputs
        if encoding == .int8 { panel.scales.update(from: scales(outputs.lowerBound), count: outputs.count) }
        switch (activations, encoding) {
        case (.float32, .float32) where stored % 4 == 0, (.bfloat16, .bfloat16) where stored % 4 == 0,
            (.int8, .int8) where stored % 4 == 0:
            kernels.table.pointee.pack_panel(outputs.count, units, row(outputs.lowerBound), stored, panel.elements)
        default: try packConverted(outputs, for: activations, into: panel, kernels, scratch)
        }
        if activations == .int8, encoding != .int4 {
            kernels.table.pointee.zero_point_sums(units, panel.elements, panel.zeroPointSums)
        }
    }

    private func packConverted(
        _ outputs: Range<Int>, for activations: ActivationRows.Encoding, into panel: Panel, _ kernels: Kernels,
        _ scratch: ThreadPool.Scratch
    ) throws(PixArtError) {
        if encoding == .int4, activations == .int8 {
            let group = encoding.layout.group?.outputs ?? 1
            for first in Swift.stride(from: 0, to: outputs.count, by: group) {
                let scale = kernels.table.pointee.int4_scale(inputs, scales(outputs.lowerBound + first))
                let count = min(group, outputs.count - first)
                (panel.scales + first).update(repeating: scale, count: count)
            }
            return kernels.table.pointee.pack_int4(
                outputs.count, inputs, row(outputs.lowerBound).assumingMemoryBound(to: UInt8.self),
                scales(outputs.lowerBound), panel.scales, panel.elements, panel.zeroPointSums)
        }
        // Rounding floating point to int8 needs whole rows.
        let needsWholeRows = activations == .int8 && encoding != .int8
        let block = needsWholeRows ? inputs : min(inputs, Self.conversionBlock)
        let stride = ActivationRows.stride(columns: block, encoding: activations)
        let rows = UnsafeMutableRawPointer(try scratch.floats(outputs.count * stride / 4, slot: 6))
        let wide = try scratch.floats(block, slot: 7)
        for first in Swift.stride(from: 0, to: inputs, by: block) {
            let columns = first..<min(first + block, inputs)
            let blockUnits = (columns.count * activations.size + 3) / 4
            for (index, output) in outputs.enumerated() {
                let row = rows + index * stride
                (row + 4 * blockUnits - 4).storeBytes(of: 0, as: UInt32.self)
                convert(output, columns, for: activations, to: row, scale: panel.scales + index, wide, kernels)
            }
            kernels.table.pointee.pack_panel(
                outputs.count, blockUnits, rows, stride, panel.elements + first * activations.size / 4 * Panel.width)
        }
    }

    /// Columns that are converted at a time: whole groups.
    private static let conversionBlock = 512

    /// Some columns of one output for a GEMM. `scale` is the scale of the output's int8 values. It is computed
    /// from all columns if the weight is floating point. `wide` has room for the columns in float32.
    private func convert(
        _ output: Int, _ columns: Range<Int>, for activations: ActivationRows.Encoding,
        to target: UnsafeMutableRawPointer,
        scale: UnsafeMutablePointer<Float>, _ wide: UnsafeMutablePointer<Float>, _ kernels: Kernels
    ) {
        let count = columns.count
        let source = row(output, from: columns.lowerBound)
        let halves = target.assumingMemoryBound(to: UInt16.self)
        let floats = target.assumingMemoryBound(to: Float.self)
        switch activations {
        case .float32: widen(output, columns, to: floats, kernels)
        case .int8 where encoding == .int8: target.copyMemory(from: source, byteCount: count)
        case .int8:
            scale.pointee = quantize(output, to: target.assumingMemoryBound(to: Int8.self), through: wide, kernels)
        case .bfloat16:
            switch encoding {
            case .bfloat16: halves.update(from: source.assumingMemoryBound(to: UInt16.self), count: count)
            case .int8:
                kernels.table.pointee.int8_as_bfloat16(count, source.assumingMemoryBound(to: Int8.self), halves)
            default:
                widen(output, columns, to: wide, kernels)
                kernels.table.pointee.narrow_bfloat16(count, wide, halves)
            }
        case .emulatedBFloat16:
            widen(output, columns, to: floats, kernels)
            guard encoding != .bfloat16, encoding != .int8 else { break }
            let narrow = UnsafeMutableRawPointer(wide).assumingMemoryBound(to: UInt16.self)
            kernels.table.pointee.narrow_bfloat16(count, floats, narrow)
            kernels.table.pointee.widen_bfloat16(count, narrow, floats)
        }
    }
}
