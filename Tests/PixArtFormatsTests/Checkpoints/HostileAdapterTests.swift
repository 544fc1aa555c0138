import CPixArt
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// Adapter files that are wrong, or of kinds that are not read.
@Suite struct HostileAdapterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let file: TensorFile
        let parts: [String]

        init(_ name: String, _ tensors: [TensorFile.Tensor], _ parts: String...) {
            testDescription = name
            file = TensorFile(tensors)
            self.parts = parts
        }
    }

    private static let module = "lycoris_proj_out"
    private static let modules = AdapterModules(
        ["proj_out.weight"] + ["q", "k", "v"].map { "transformer_blocks.0.attn1.to_\($0).weight" }, of: .transformer)

    private static func tensor(_ leaf: String, _ shape: [Int], _ value: Float = 1) -> TensorFile.Tensor {
        ("\(module).\(leaf)", shape, .init(repeating: value, count: shape.reduce(1, *)))
    }

    private static let down = tensor("lora_down.weight", [2, 6])
    private static let up = tensor("lora_up.weight", [6, 2])

    static let wrong: [Case] = [
        Case("no up", [down], "\"proj_out\" lacks up"), Case("no down", [up], "lacks down"),
        Case("alpha alone", [tensor("alpha", [])], "lacks the factors"),
        Case("ranks that differ", [down, tensor("lora_up.weight", [6, 3])], "[6, 3] and [2, 6]", "rank 2"),
        Case("rank 0", [tensor("lora_down.weight", [0, 6]), tensor("lora_up.weight", [6, 0])], "shape [6, 0]"),
        Case("huge rank of nothing", [tensor("lora_down.weight", [1 << 40, 0]), up], "shape [1099511627776, 0]"),
        Case("a vector", [tensor("lora_down.weight", [6]), up], "shape [6]"),
        Case("a number", [tensor("lora_down.weight", []), up], "shape []"),
        Case("alpha is NaN", [down, up, tensor("alpha", [], .nan)], "alpha nan"),
        Case("alpha is infinite", [down, up, tensor("alpha", [], .infinity)], "alpha inf"),
        Case("two alphas", [down, up, tensor("alpha", [2])], "alpha of shape [2]"),
        Case(
            "a scale beyond float32", [down, up, tensor("alpha", [], 3e38), tensor("scalar", [], 1e10)], "the scale"),
        Case("two kinds", [down, up, tensor("hada_w1_a", [6, 2])], "of two kinds"),
        Case("the same twice", [down, up, tensor("lora_A.weight", [2, 6])], "mean the same"),
        Case(
            "shapes of LoHa",
            [
                tensor("hada_w1_a", [6, 2]), tensor("hada_w1_b", [2, 6]), tensor("hada_w2_a", [6, 2]),
                tensor("hada_w2_b", [2, 5]),
            ], "[6, 6] and [6, 5]"),
        Case("half of LoHa", [tensor("hada_w1_a", [6, 2]), tensor("hada_w1_b", [2, 6])], "lacks hada_w2_a"),
        Case("half of LoKr", [tensor("lokr_w1", [2, 2])], "lacks lokr_w2_a"),
        Case(
            "a factor of LoKr twice",
            [tensor("lokr_w1", [2, 2]), tensor("lokr_w2", [3, 3]), tensor("lokr_w2_a", [3, 1])], "whole and in factors"),
        Case(
            "magnitudes of another number", [down, up, tensor("lora_magnitude_vector", [5])], "5 magnitudes, expected 6"
        ),
        Case("magnitudes of no axis", [down, up, tensor("dora_scale", [2, 3])], "shape [2, 3]"),
        Case("magnitudes that are NaN", [down, up, tensor("dora_scale", [6, 1], .nan)], "not finite"),
        Case(
            "magnitudes of two kinds", [down, up, tensor("dora_scale", [6, 1]), tensor("lora_magnitude_vector", [6])],
            "two kinds"),
        Case(
            "outputs of a fused projection",
            [
                ("lora_unet_blocks_0_attn_qkv.lora_down.weight", [1, 6], .init(repeating: 1, count: 6)),
                ("lora_unet_blocks_0_attn_qkv.lora_up.weight", [8, 1], .init(repeating: 1, count: 8)),
            ], "8 outputs, expected 3 equal parts"),
        Case(
            "magnitudes of a fused projection's inputs",
            [
                ("lora_unet_blocks_0_attn_qkv.lora_down.weight", [1, 6], .init(repeating: 1, count: 6)),
                ("lora_unet_blocks_0_attn_qkv.lora_up.weight", [18, 1], .init(repeating: 1, count: 18)),
                ("lora_unet_blocks_0_attn_qkv.dora_scale", [1, 6], .init(repeating: 1, count: 6)),
            ], "inputs of a fused projection"),
        Case(
            "one module under two names",
            [
                down, up, ("lora_unet_proj_out.lora_down.weight", [2, 6], .init(repeating: 1, count: 12)),
                ("lora_unet_proj_out.lora_up.weight", [6, 2], .init(repeating: 1, count: 12)),
            ], "\"proj_out\" is changed under two names"),
    ]

    @Test(arguments: wrong)
    func wrongFiles(_ item: Case) throws { try expect(PIXART_ERROR_FORMAT, item) }

    private static func other(_ name: String, _ what: String) -> Case {
        Case(name, [down, up, (name, [1, 1], [1])], "tensor \"\(name)\" is of \(what)", "expected LoRA, LoHa or LoKr")
    }

    static let refused: [Case] = [
        other("\(module).oft_blocks", "OFT"), other("\(module).oft_R.weight", "OFT"), other("\(module).boft_R", "BOFT"),
        other("\(module).on_input", "IA3"), other("\(module).diff", "a full difference"),
        other("\(module).diff_b", "a full difference of a bias"), other("\(module).w_norm", "a trained norm"),
        other("\(module).lora_mid.weight", "LoCon of Tucker's form"),
        other("\(module).hada_t1", "LoHa of Tucker's form"),
        other("\(module).lokr_t2", "LoKr of Tucker's form"), other("x.lora_embedding_A", "LoRA of an embedding"),
        other("base_model.model.proj_out.lora_B.bias", "a bias of LoRA"),
        other("base_model.model.proj_out.bias", "a trained bias"),
        other("base_model.model.proj_out.weight", "a whole trained module"),
        other("\(module).a1.weight", "GLoRA"), other("base_model.model.proj_out.vera_lambda_b", "VeRA"),
    ]

    @Test(arguments: refused)
    func refusedKinds(_ item: Case) throws { try expect(PIXART_ERROR_MODEL, item) }

    private func expect(_ status: pixart_status, _ item: Case) throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/adapter.safetensors"
        try item.file.write(path)
        expectFailure(status, [path] + item.parts) { _ = try Adapter(path: path, for: Self.modules) }
    }
}
