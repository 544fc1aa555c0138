import CKernels
import PixArtStorage

extension WeightMatrix {
    /// Fewest outputs that a worker converts: whole blocks of every encoding.
    package static let grain = WeightEncoding.allCases.map(\.layout.block.outputs).max() ?? 1

    /// The same weights in one of `WeightEncoding.targets`, or unchanged. Fails with `.memory`.
    package func converted(to target: WeightEncoding, _ pool: ThreadPool) throws(PixArtError) -> WeightMatrix {
        guard target != encoding else { return self }
        let block = target.layout.block.outputs
        // Outputs that are converted at a time.
        let group = WeightEncoding.int4.layout.group?.outputs ?? 1
        let shape = target.scaleShape(outputs: outputs, inputs: inputs)
        let bytes = target.elementBytes(outputs: outputs, inputs: inputs)
        let elements = try AlignedBuffer(count: (bytes + 3) / 4)
        let start = UnsafeMutableRawPointer(elements.start)
        let scales = shape.isEmpty ? nil : try AlignedBuffer(count: shape.reduce(1, *))
        if target == .int4 {
            // The last block may have fewer outputs.
            let last = target.offset(outputs / block * block, 0, inputs: inputs)
            (start + last).initializeMemory(as: UInt8.self, repeating: 0x88, count: bytes - last)
        }
        // Whole groups of outputs.
        try pool.run(total: outputs, grain: Self.grain, as: .weights) {
            range, scratch throws(PixArtError) in
            let wide = try scratch.floats(group * inputs, slot: 7)
            let table = pool.kernels.table.pointee
            for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: group) {
                let some = first..<min(first + group, range.upperBound)
                widen(outputs: some, to: wide, pool.kernels)
                if target == .int4 {
                    let place = start + target.offset(first, 0, inputs: inputs)
                    table.quantize_int4(
                        some.count, inputs, wide, place.assumingMemoryBound(to: UInt8.self),
                        scales!.start + first / group * shape[1])
                    continue
                }
                for index in 0..<some.count {
                    let source = wide + index * inputs
                    let place = start + target.offset(first + index, 0, inputs: inputs)
                    switch target {
                    case .float32: place.copyMemory(from: source, byteCount: 4 * inputs)
                    case .bfloat16: table.narrow_bfloat16(inputs, source, place.assumingMemoryBound(to: UInt16.self))
                    case .int8:
                        scales!.start[first + index] = table.quantize_int8(
                            inputs, source, place.assumingMemoryBound(to: Int8.self))
                    default: preconditionFailure("nothing is converted to \(target) row by row")
                    }
                }
            }
        }
        discard()
        return WeightMatrix(outputs: outputs, inputs: inputs, encoding: target, elements: elements, scales: scales)
    }
}
