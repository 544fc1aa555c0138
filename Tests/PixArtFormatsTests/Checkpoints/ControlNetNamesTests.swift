import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// How a ControlNet is found and called, by the names in a file.
@Suite struct ControlNetNamesTests {
    private static let width = 4
    private let folder = try! ScratchFolder()

    /// Tensors of a block's parts, by the names within it.
    private static let blockShapes: [(original: String, diffusers: [String], shape: [Int])] = [
        ("scale_shift_table", ["scale_shift_table"], [6, width]),
        ("attn.qkv.weight", ["attn1.to_q.weight", "attn1.to_k.weight", "attn1.to_v.weight"], [3 * width, width]),
        ("attn.qkv.bias", ["attn1.to_q.bias", "attn1.to_k.bias", "attn1.to_v.bias"], [3 * width]),
        ("attn.proj.weight", ["attn1.to_out.0.weight"], [width, width]),
        ("cross_attn.q_linear.weight", ["attn2.to_q.weight"], [width, width]),
        ("cross_attn.kv_linear.weight", ["attn2.to_k.weight", "attn2.to_v.weight"], [2 * width, width]),
        ("cross_attn.proj.bias", ["attn2.to_out.0.bias"], [width]),
        ("mlp.fc1.weight", ["ff.net.0.proj.weight"], [4 * width, width]),
        ("mlp.fc2.weight", ["ff.net.2.weight"], [width, 4 * width]),
    ]

    /// Writes a file whose tensors have these names and shapes, and different elements.
    private func source(_ tensors: [(name: String, shape: [Int])]) throws -> SafetensorsFile {
        let path = "\(folder.path)/\(UUID().uuidString).safetensors"
        let elements = tensors.enumerated().map { index, tensor in
            (0..<tensor.shape.reduce(1, *)).map { Float(1000 * index + $0) }
        }
        let buffers = elements.map { elements in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: elements.count)
            _ = buffer.initialize(from: elements)
            return buffer
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        try SafetensorsWriter.write(
            path: path,
            tensors: zip(tensors, buffers).map { ($0.name, .float32, $0.shape, UnsafeRawBufferPointer($1)) })
        return try SafetensorsFile(path: path)
    }

    private func original(copies: Int, prefix: String = "") -> [(name: String, shape: [Int])] {
        var tensors: [(name: String, shape: [Int])] = []
        for copy in 0..<copies {
            for (name, _, shape) in Self.blockShapes {
                tensors.append(("\(prefix)controlnet.\(copy).copied_block.\(name)", shape))
            }
            for side in copy == 0 ? ["before_proj", "after_proj"] : ["after_proj"] {
                tensors.append(("\(prefix)controlnet.\(copy).\(side).weight", [Self.width, Self.width]))
                tensors.append(("\(prefix)controlnet.\(copy).\(side).bias", [Self.width]))
            }
        }
        return tensors
    }

    /// Tensors of the transformer that tell it, in its original names.
    private let base: [(name: String, shape: [Int])] = [
        ("base_model.x_embedder.proj.weight", [Self.width, 4, 2, 2]),
        ("base_model.y_embedder.y_proj.fc1.weight", [Self.width, 8]),
        ("base_model.blocks.0.attn.qkv.weight", [3 * Self.width, Self.width]),
    ]

    private var canonicalNames: Set<String> {
        var names: Set<String> = []
        for copy in 0..<2 {
            let copy = "controlnet_blocks.\(copy)"
            for (_, parts, _) in Self.blockShapes { names.formUnion(parts.map { "\(copy).transformer_block.\($0)" }) }
            names.formUnion(["\(copy).after_proj.weight", "\(copy).after_proj.bias"])
        }
        return names.union(["controlnet_blocks.0.before_proj.weight", "controlnet_blocks.0.before_proj.bias"])
    }

    /// The original names, with the transformer beside the ControlNet and without, also as a wrapper stores them.
    @Test(arguments: [true, false], ["", "module.", "_orig_mod."])
    func originalNames(_ hasBase: Bool, _ prefix: String) throws {
        let source = try source(original(copies: 2, prefix: prefix) + (hasBase ? base : []))
        let found = try #require(try CanonicalWeights(source, kinds: [.controlNet]))
        #expect(found.kind == .controlNet && found.names == .original && found.prefix == prefix)
        #expect(Set(found.source.names) == canonicalNames)
        // Fused projections are cut into their thirds and halves, in order.
        for (name, parts, shape) in Self.blockShapes {
            let whole = try #require(try source["\(prefix)controlnet.1.copied_block.\(name)"])
            var bytes: [UInt8] = []
            for part in parts {
                let stored = try #require(try found.source["controlnet_blocks.1.transformer_block.\(part)"])
                #expect(stored.shape == [shape[0] / parts.count] + shape.dropFirst())
                bytes += Array(stored.bytes)
            }
            #expect(bytes == Array(whole.bytes), "\(name)")
        }
        #expect((try CanonicalWeights(source, kinds: [.transformer]) != nil) == hasBase)
        #expect(try CanonicalWeights(source)?.kind == (hasBase ? .transformer : .controlNet))
    }

    /// A tensor of the ControlNet that has no other name stays, so that it is refused as unknown.
    @Test func unknownTensors() throws {
        let source = try source(original(copies: 1) + [("controlnet.0.other.weight", [1]), ("controlnet.x", [1])])
        let names = try #require(try CanonicalWeights(source, kinds: [.controlNet])).source.names
        #expect(names.contains("controlnet_blocks.0.other.weight") && names.contains("controlnet.x"))
    }

    /// The adapter of diffusers, alone and beside the transformer.
    @Test(arguments: ["", "controlnet.", "module."])
    func diffusersNames(_ prefix: String) throws {
        let marks = ["caption_projection.linear_1.weight", "pos_embed.proj.weight"]
        let beside = prefix == "controlnet." ? marks.map { ("transformer.\($0)", [1]) } : []
        let source = try source(canonicalNames.sorted().map { (prefix + $0, [1]) } + beside)
        let found = try #require(try CanonicalWeights(source, kinds: [.controlNet]))
        #expect(found.names == .diffusers && found.prefix == prefix)
        #expect(Set(found.source.names) == canonicalNames)
        let transformer = try CanonicalWeights(source, kinds: [.transformer])
        #expect(transformer?.source.names.sorted() == (beside.isEmpty ? nil : marks))
    }

    /// ControlNets of other models are none.
    @Test func foreignNames() throws {
        let source = try source([
            ("controlnet_down_blocks.0.weight", [1]), ("controlnet_cond_embedding.conv_in.weight", [1]),
        ])
        #expect(try CanonicalWeights(source)?.kind == nil)
    }
}
