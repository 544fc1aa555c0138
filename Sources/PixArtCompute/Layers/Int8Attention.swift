import CKernels
import PixArtStorage

// Attention in int8, as docs/numerics.md defines it. The keys and values of a head are quantized once, for all chunks of
// queries. All instruction sets give the same bits.
extension Attention {
    /// The largest head width of the int8 kernels.
    package static let widestInt8Head = Int(NATIVE_HEAD_CHANNELS) - 1

    /// Whether the int8 kernels take heads of this width.
    package static func takesInt8(headWidth: Int) -> Bool { headWidth <= widestInt8Head }

    /// Bytes of the quantized keys and values of `heads` heads.
    package static func int8Bytes(heads: Int, keys: Int) -> Int { heads * native_head_bytes(keys) }

    /// Computes several sequences of float32 or bfloat16 rows, which have as many keys each and no bias. `memory` holds
    /// their quantized keys and values, `int8Bytes` for each sequence; its contents are lost. Fails with `.memory`.
    package func inInt8(
        _ sequences: [Sequence], _ memory: ActivationRows, _ pool: ThreadPool
    ) throws(PixArtError) {
        let keys = sequences.first?.key.rows ?? 0
        precondition(sequences.allSatisfy { $0.key.rows == keys && $0.bias == nil })
        precondition(memory.rows * memory.stride >= sequences.count * Self.int8Bytes(heads: heads, keys: keys))
        let start = LaidOutHeads(start: memory.start, bytes: native_head_bytes(keys))
        try pool.run(tasks: sequences.count * heads, as: .attention) { task, scratch throws(PixArtError) in
            let (index, head) = task.quotientAndRemainder(dividingBy: heads)
            let (key, value) = (sequences[index].key, sequences[index].value)
            let columns = columns(of: head, key)
            var (nativeKey, nativeValue) = (key.columns(columns).native, value.columns(columns).native)
            pool.kernels.table.pointee.lay_out_head(
                keys, columns.count, &nativeKey, &nativeValue, try scratch.attention(), start[task])
        }
        try chunks(of: sequences, pool) { index, head, rows, scratch throws(PixArtError) in
            let (query, output) = (sequences[index].query, sequences[index].output)
            let columns = columns(of: head, query)
            var nativeQuery = query.columns(columns).rows(rows).native
            var nativeOutput = output.columns(columns).rows(rows).native
            pool.kernels.table.pointee.attention_int8(
                rows.count, keys, columns.count, scale, &nativeQuery, start[index * heads + head],
                try scratch.attention(), &nativeOutput)
        }
    }

    private func columns(of head: Int, _ rows: ActivationRows) -> Range<Int> {
        precondition(rows.columns % heads == 0)
        let width = rows.columns / heads
        return head * width..<(head + 1) * width
    }
}

/// Quantized heads, one after another.
private struct LaidOutHeads: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    /// Of a head.
    let bytes: Int

    subscript(head: Int) -> UnsafeMutableRawPointer { start + head * bytes }
}

extension ThreadPool.Scratch {
    /// The memory of the attention kernels that need some.
    func attention() throws(PixArtError) -> UnsafeMutablePointer<Float> {
        try floats(Int(NATIVE_ATTENTION_SCRATCH) / 4, slot: 0)
    }
}
