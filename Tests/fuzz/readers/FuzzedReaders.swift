import CPixArt
import PixArtFormats
import PixArtStages
import PixArtStorage

// The readers of weights and adapters, as fuzz targets call them: a file is asked for all that it can say. Calls of the
// C ABI also make networks, and take a hundred times as long.

/// Reads a file of weights in any form: its tensors, its tokenizer, and the parts that it holds.
@_cdecl("fuzz_read_weights")
public func fuzzReadWeights(_ path: UnsafePointer<CChar>) {
    let path = String(cString: path)
    checkFailure { () throws(PixArtError) in
        let source = try WeightFile.open(path)
        touchTensors(of: source)
        if let file = source as? GGUFFile {
            checkFailure { () throws(PixArtError) in _ = try file.sentencePieceModel() }
            checkFailure { () throws(PixArtError) in _ = try UnigramModel(gguf: file) }
        }
        let checkpoint = try Checkpoint(model: path, .plain)
        for part in Part.allCases where checkpoint.contains(part) {
            checkFailure { () throws(PixArtError) in _ = try checkpoint.configuration(part) }
            checkFailure { () throws(PixArtError) in touchTensors(of: try checkpoint.weights(part)) }
        }
    }
}

/// Reads an adapter, with the configuration beside it, for a transformer and a text encoder.
@_cdecl("fuzz_read_adapter")
public func fuzzReadAdapter(_ path: UnsafePointer<CChar>) {
    let path = String(cString: path)
    for modules in [transformer, textEncoder] {
        checkFailure { () throws(PixArtError) in
            let adapter = try Adapter(path: path, for: modules)
            if adapter.updates.isEmpty { throw adapter.mismatch }
        }
    }
}

/// The modules of one block, and those around the blocks.
private let transformer = AdapterModules(
    (["pos_embed.proj", "adaln_single.linear", "caption_projection.linear_1", "proj_out"]
        + ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_k", "attn2.to_v", "ff.net.2"].map {
            "transformer_blocks.0.\($0)"
        }).map { "\($0).weight" }, of: .transformer)

private let textEncoder = AdapterModules(
    ["SelfAttention.q", "SelfAttention.o", "DenseReluDense.wi_0"].map {
        "encoder.block.0.layer.\($0.hasPrefix("Self") ? 0 : 1).\($0).weight"
    }, of: .textEncoder)

/// Asks a source for each of its tensors, and reads where these begin and end.
private func touchTensors(of source: any WeightSource) {
    for name in source.names {
        checkFailure { () throws(PixArtError) in
            guard let stored = try source[name] else { preconditionFailure("a tensor that is listed is missing") }
            withExtendedLifetime(stored) {
                touched &+= (stored.bytes.first ?? 0) &+ (stored.bytes.last ?? 0)
            }
        }
    }
}

/// A sum that keeps the reads.
private nonisolated(unsafe) var touched: UInt8 = 0

/// Runs `body`. Traps if it fails as no damaged file may: without a message, or with an error of the library's own.
private func checkFailure(_ body: () throws(PixArtError) -> Void) {
    do { try body() } catch {
        precondition(error.status != PIXART_ERROR_INTERNAL && !error.message.isEmpty, error.message)
    }
}
