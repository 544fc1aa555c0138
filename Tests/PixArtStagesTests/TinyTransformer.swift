import Foundation
import PixArtStorage
import TestSupport

/// A checkpoint of a very small transformer with repeatable weights, in a folder that is removed with this object.
final class TinyTransformer {
    static let width = 24
    static let captionChannels = 16
    let folder: ScratchFolder
    /// Linear layers, and their outputs and inputs.
    let layers: [(name: String, outputs: Int, inputs: Int)]
    private(set) var file = TensorFile()
    private var state: UInt64 = 42

    init(layers count: Int = 2) throws {
        folder = try ScratchFolder()
        let (width, caption) = (Self.width, Self.captionChannels)
        var layers = [
            ("adaln_single.emb.timestep_embedder.linear_1", width, 256),
            ("adaln_single.emb.timestep_embedder.linear_2", width, width), ("adaln_single.linear", 6 * width, width),
            ("caption_projection.linear_1", width, caption), ("caption_projection.linear_2", width, width),
            ("proj_out", 32, width),
        ]
        for block in (0..<count).map({ "transformer_blocks.\($0)" }) {
            for attention in ["attn1", "attn2"] {
                for part in ["to_q", "to_k", "to_v", "to_out.0"] {
                    layers.append(("\(block).\(attention).\(part)", width, width))
                }
            }
            layers += [("\(block).ff.net.0.proj", 4 * width, width), ("\(block).ff.net.2", width, 4 * width)]
        }
        self.layers = layers
        for (name, outputs, inputs) in layers {
            add("\(name).weight", [outputs, inputs], 1.5 / Float(inputs).squareRoot())
            add("\(name).bias", [outputs], 0.1)
        }
        add("pos_embed.proj.weight", [width, 4, 2, 2], 0.3)
        add("pos_embed.proj.bias", [width], 0.1)
        add("scale_shift_table", [2, width], 0.3)
        for block in 0..<count { add("transformer_blocks.\(block).scale_shift_table", [6, width], 0.3) }
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/transformer", withIntermediateDirectories: true)
        let configuration: [String: Any] = [
            "_class_name": "PixArtTransformer2DModel", "num_attention_heads": 2, "attention_head_dim": width / 2,
            "num_layers": count, "in_channels": 4, "out_channels": 8, "patch_size": 2, "sample_size": 8,
            "caption_channels": caption, "cross_attention_dim": width, "use_additional_conditions": false,
        ]
        try folder.write("transformer/config.json", JSONSerialization.data(withJSONObject: configuration))
        try file.write("\(folder.path)/transformer/diffusion_pytorch_model.safetensors")
    }

    /// Repeatable numbers from -1 to 1.
    func numbers(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
        }
    }

    private func add(_ name: String, _ shape: [Int], _ scale: Float) {
        file.add(name, shape, numbers(shape.reduce(1, *)).map { scale * $0 })
    }

    /// Writes a LoRA of all linear layers in diffusers' names, and returns its path.
    func lora(_ name: String, rank: Int = 3, size: Float = 0.3) throws -> String {
        var lora = TensorFile()
        for (layer, outputs, inputs) in layers {
            lora.add("transformer.\(layer).lora_A.weight", [rank, inputs], numbers(rank * inputs).map { size * $0 })
            lora.add("transformer.\(layer).lora_B.weight", [outputs, rank], numbers(outputs * rank).map { size * $0 })
        }
        let path = "\(folder.path)/\(name).safetensors"
        try lora.write(path)
        return path
    }

    func embedding() throws -> Tensor {
        var state: UInt32 = 1
        return try Tensor(.float32, shape: [5, Self.captionChannels]) { bytes in
            for index in 0..<5 * Self.captionChannels {
                state = state &* 1_664_525 &+ 1_013_904_223
                bytes.storeBytes(of: Float(state >> 8) / Float(1 << 23) - 1, toByteOffset: 4 * index, as: Float.self)
            }
        }
    }
}
