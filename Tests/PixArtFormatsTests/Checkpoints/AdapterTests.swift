import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// Adapter files of every naming.
@Suite struct AdapterTests {
    private let folder: ScratchFolder
    private static let width = 6

    init() throws { folder = try ScratchFolder() }

    private static let transformer = AdapterModules(
        [
            "pos_embed.proj.weight", "pos_embed.proj.bias", "proj_out.weight", "adaln_single.linear.weight",
            "caption_projection.linear_1.weight", "transformer_blocks.3.scale_shift_table",
        ]
            + ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "attn2.to_k", "attn2.to_v"].map
        {
            "transformer_blocks.3.\($0).weight"
        } + ["ff.net.0.proj", "ff.net.2"].map { "transformer_blocks.3.\($0).weight" }, of: .transformer)
    private static let text = AdapterModules(
        [
            "shared.weight", "encoder.final_layer_norm.weight",
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        ]
            + ["layer.0.SelfAttention.q", "layer.0.layer_norm", "layer.1.DenseReluDense.wi_0"].map {
                "encoder.block.0.\($0).weight"
            }, of: .textEncoder)

    /// A file of one LoRA: A is of ones, and row r of B is of r's.
    private static func lora(
        _ module: String, a: String = "lora_A.weight", b: String = "lora_B.weight", outputs: Int = 6, rank: Int = 2,
        alpha: Float? = nil, a shape: [Int]? = nil
    ) -> TensorFile {
        var file = TensorFile([
            ("\(module).\(a)", shape ?? [rank, width], Array(repeating: 1, count: rank * width)),
            (
                "\(module).\(b)", [outputs, rank] + (shape?.dropFirst(2) ?? []).map { _ in 1 },
                (0..<outputs * rank).map { Float($0 / rank) }
            ),
        ])
        if let alpha { file.add("\(module).alpha", [], [alpha]) }
        return file
    }

    private func open(
        _ file: TensorFile, _ modules: AdapterModules = transformer, name: String = "adapter.safetensors"
    ) throws -> Adapter {
        try file.write("\(folder.path)/\(name)")
        return try Adapter(path: "\(folder.path)/\(name)", for: modules)
    }

    private func configure(_ members: [String: Any], _ name: String = "adapter_config.json") throws {
        try folder.write(name, JSONSerialization.data(withJSONObject: members))
    }

    // MARK: Namings

    struct Naming: Sendable, CustomTestStringConvertible {
        let file: TensorFile
        let naming: AdapterNaming
        var modules = AdapterTests.transformer
        let target: String
        let scale: Float
        var testDescription: String { "\(naming) \(file.tensors[0].name)" }
    }

    private static let toOut = "transformer_blocks.3.attn1.to_out.0"
    private static let query = "encoder.block.0.layer.0.SelfAttention.q"
    private static let down = "lora_down.weight"
    private static let up = "lora_up.weight"
    private static let flat = "transformer_blocks_3_attn1_to_out_0"

    static let namings: [Naming] = [
        Naming(file: lora("base_model.model.\(toOut)"), naming: .peft, target: toOut, scale: 4),
        Naming(
            file: lora("base_model.model.\(toOut)", a: "lora_A.default.weight", b: "lora_B.default.weight"),
            naming: .peft,
            target: toOut, scale: 4),
        Naming(file: lora("unet.base_model.model.\(toOut)", rank: 4), naming: .peftScript, target: toOut, scale: 2),
        Naming(file: lora("transformer.\(toOut)"), naming: .diffusers, target: toOut, scale: 1),
        Naming(file: lora("transformer.\(toOut)", alpha: 3), naming: .diffusers, target: toOut, scale: 1.5),
        Naming(
            file: lora("unet.transformer_blocks.3.attn1.processor.to_out", a: "lora.down.weight", b: "lora.up.weight"),
            naming: .diffusers, target: toOut, scale: 1),
        Naming(
            file: TensorFile([
                (
                    "transformer.transformer_blocks.3.attn1.processor.to_q_lora.down.weight", [2, 6],
                    .init(repeating: 1, count: 12)
                ),
                (
                    "transformer.transformer_blocks.3.attn1.processor.to_q_lora.up.weight", [6, 2],
                    .init(repeating: 1, count: 12)
                ),
            ]), naming: .diffusers, target: "transformer_blocks.3.attn1.to_q", scale: 1),
        Naming(
            file: lora("lora_transformer_\(flat)", a: down, b: up, alpha: 1), naming: .oneTrainer, target: toOut,
            scale: 0.5),
        Naming(
            file: lora("lora_unet_blocks_3_attn_proj", a: down, b: up, alpha: 6), naming: .kohya, target: toOut,
            scale: 3),
        Naming(file: lora("lora_unet_\(flat)", a: down, b: up), naming: .kohya, target: toOut, scale: 1),
        Naming(file: lora("lycoris_\(flat)", a: down, b: up, alpha: 1), naming: .lycoris, target: toOut, scale: 0.5),
        Naming(file: lora("diffusion_model.blocks.3.attn.proj", alpha: 5), naming: .comfyUI, target: toOut, scale: 2.5),
        Naming(file: lora("blocks.3.attn.proj", alpha: 5), naming: .plain, target: toOut, scale: 2.5),
        Naming(file: lora(toOut), naming: .plain, target: toOut, scale: 1),
        Naming(file: lora("diffusion_model.t_block.1"), naming: .comfyUI, target: "adaln_single.linear", scale: 1),
        Naming(
            file: lora("lora_te_encoder_block_0_layer_0_SelfAttention_q", a: down, b: up, alpha: 1),
            naming: .oneTrainer,
            modules: text, target: query, scale: 0.5),
        Naming(
            file: lora("lora_te1_encoder_block_0_layer_1_DenseReluDense_wi_0", a: down, b: up), naming: .kohya,
            modules: text, target: "encoder.block.0.layer.1.DenseReluDense.wi_0", scale: 1),
        Naming(
            file: lora("text_encoders.t5xxl.transformer.\(query)", alpha: 2), naming: .comfyUI, modules: text,
            target: query, scale: 1),
        Naming(file: lora(query, alpha: 4), naming: .plain, modules: text, target: query, scale: 2),
        Naming(file: lora("text_encoder.\(query)"), naming: .diffusers, modules: text, target: query, scale: 1),
        Naming(file: lora("base_model.model.\(query)"), naming: .peft, modules: text, target: query, scale: 4),
    ]

    @Test(arguments: namings)
    func scaleAndTarget(_ naming: Naming) throws {
        let adapter = try open(naming.file, naming.modules)
        #expect(adapter.namings == [naming.naming])
        #expect(adapter.updates.keys.map(\.text) == ["\(naming.target).weight"])
        let update = try #require(adapter.updates["\(naming.target).weight"])
        #expect(update.scale == naming.scale)
        #expect(update.outputs == 6 && update.inputs == 6)
        #expect(adapter.ignored.isEmpty)
        #expect(update.lowRank != nil)
    }

    /// Rows of a fused projection are those of queries, keys and values.
    @Test(arguments: [
        ("diffusion_model.blocks.3.attn.qkv", ["attn1.to_q", "attn1.to_k", "attn1.to_v"]),
        ("lora_unet_blocks_3_cross_attn_kv_linear", ["attn2.to_k", "attn2.to_v"]),
    ])
    func fused(_ module: String, _ targets: [String]) throws {
        let adapter = try open(Self.lora(module, outputs: 6 * targets.count, alpha: 2))
        #expect(adapter.updates.count == targets.count)
        for (index, target) in targets.enumerated() {
            let update = try #require(adapter.updates["transformer_blocks.3.\(target).weight"])
            let (up, down) = try #require(update.lowRank)
            #expect(up.shape == [6, 2] && down.shape == [2, 6] && update.outputs == 6 && update.scale == 1)
            let first = up.bytes.loadUnaligned(as: Float.self)
            #expect(first == Float(6 * index))
        }
    }

    /// A convolution's factors are flattened.
    @Test func convolution() throws {
        let file = TensorFile([
            ("transformer.pos_embed.proj.lora_A.weight", [2, 4, 2, 2], .init(repeating: 1, count: 32)),
            ("transformer.pos_embed.proj.lora_B.weight", [6, 2, 1, 1], .init(repeating: 1, count: 12)),
        ])
        let update = try #require(try open(file).updates["pos_embed.proj.weight"])
        #expect(update.inputs == 16 && update.outputs == 6 && update.rank == 2)
    }

    /// One file for both networks: each takes its own, and says what the rest is.
    @Test func bothNetworks() throws {
        var file = Self.lora("lora_transformer_\(Self.flat)", a: Self.down, b: Self.up)
        file.tensors += Self.lora("lora_te_encoder_block_0_layer_0_SelfAttention_q", a: Self.down, b: Self.up).tensors
        file.add("bundle_emb.word.t5", [1, 6], .init(repeating: 0, count: 6))
        file.add("lora_transformer_transformer_blocks_99_attn1_to_q.alpha", [], [1])
        let adapter = try open(file)
        #expect(adapter.updates.count == 1 && adapter.ignored.count == 4)
        let reasons = adapter.ignored.map(\.reason)
        #expect(reasons.filter { $0 == "changes the text encoder" }.count == 2)
        #expect(reasons.contains { $0.contains("trained word") })
        #expect(reasons.contains { $0.contains("does not have") })
        let other = try open(file, Self.text)
        #expect(other.updates.keys.map(\.text) == ["\(Self.query).weight"])
        #expect(other.ignored.filter { $0.reason == "changes the transformer" }.count == 3)
    }

    @Test func nothingMatches() throws {
        expectFailure(PIXART_ERROR_FILE, "holds no adapter", "adapter_model.safetensors") {
            _ = try Adapter(path: folder.path, for: Self.transformer)
        }
        for (file, parts) in [
            (Self.lora("lora_unet_down_blocks_0_attn", a: Self.down, b: Self.up), ["kohya", "a U-Net"]),
            (Self.lora("transformer.single_transformer_blocks.0.attn.to_q"), ["diffusers", "Flux"]),
            (Self.lora("text_encoder.\(Self.query)"), ["diffusers", "changes the text encoder"]),
        ] {
            let adapter = try open(file)
            #expect(adapter.updates.isEmpty)
            for part in parts + ["changes no module of the PixArt transformer"] {
                #expect(adapter.mismatch.message.contains(part), "\(adapter.mismatch.message)")
            }
        }
        expectFailure(PIXART_ERROR_MODEL, "expected LoRA, LoHa or LoKr") {
            _ = try open(TensorFile([("a", [1], [1])]))
        }
        expectFailure(PIXART_ERROR_FILE, "none", "cannot be opened") {
            _ = try Adapter(path: "\(folder.path)/none", for: Self.transformer)
        }
    }

    // MARK: Scales

    @Test func configurationOfPEFT() throws {
        let module = "base_model.model.\(Self.toOut)"
        func scale(_ members: [String: Any], _ file: TensorFile = Self.lora(module, rank: 4)) throws -> Float? {
            try configure(members)
            try file.write("\(folder.path)/adapter_model.safetensors")
            let adapter = try Adapter(path: folder.path, for: Self.transformer)
            #expect(
                adapter.paths == ["adapter_model.safetensors", "adapter_config.json"].map { "\(folder.path)/\($0)" })
            return adapter.updates.values.first?.scale
        }
        #expect(try scale([:]) == 2)
        #expect(try scale(["r": 4, "lora_alpha": 6]) == 1.5)
        #expect(try scale(["r": 4, "lora_alpha": 6, "use_rslora": true]) == 3)
        #expect(try scale(["lora_alpha": 6, "alpha_pattern": ["to_out.0": 2, "0": 9]]) == 0.5)
        #expect(try scale(["lora_alpha": 6, "alpha_pattern": [Self.toOut: 1, "attn1.to_out.0": 2]]) == 0.25)
        #expect(try scale(["lora_alpha": 6, "alpha_pattern": ["^transformer_blocks.3.attn1.to_out.0": 1]]) == 0.25)
        #expect(try scale(["lora_alpha": 6, "alpha_pattern": ["ut.0": 2, "to_q": 2]]) == 1.5)
        // Whole factors of LoKr have no rank: PEFT takes the configured one.
        let lokr = TensorFile([
            ("\(module).lokr_w1", [2, 2], [1, 2, 3, 4]), ("\(module).lokr_w2", [3, 3], .init(repeating: 1, count: 9)),
        ])
        #expect(try scale(["peft_type": "LOKR", "r": 4, "alpha": 2], lokr) == 0.5)
        #expect(
            try scale(["peft_type": "LOKR", "r": 4, "alpha": 2, "rank_pattern": ["to_out.0": 16]], lokr) == 0.125)
        for (members, part) in [
            (["peft_type": "OFT"], "\"peft_type\" is \"OFT\""), (["bias": "all"], "\"bias\""),
            (["lora_bias": true], "\"lora_bias\""), (["init_lora_weights": "pissa_niter_4"], "init_lora_weights"),
            (["alpha_pattern": ["a.*": 1]], "\"a.*\""), (["alpha_pattern": ["a": "b"]], "expected a number"),
            (["r": 0], "\"r\" is 0"), (["lora_alpha": "x"], "\"lora_alpha\""),
        ] as [([String: Any], String)] {
            expectFailure(PIXART_ERROR_MODEL, "adapter_config.json", part) { _ = try scale(members) }
        }
        expectFailure(PIXART_ERROR_FORMAT, "lacks the magnitudes") { _ = try scale(["use_dora": true]) }
    }

    /// The scripts save a second copy in a folder below the configuration.
    @Test func configurationBeside() throws {
        let below = "\(folder.path)/transformer_lora"
        try FileManager.default.createDirectory(atPath: below, withIntermediateDirectories: true)
        let path = "\(below)/pytorch_lora_weights.safetensors"
        try Self.lora("unet.base_model.model.\(Self.toOut)").write(path)
        func scale() throws -> Float? { try Adapter(path: path, for: Self.transformer).updates.values.first?.scale }
        #expect(try scale() == 4)
        try configure(["lora_alpha": 6])
        #expect(try scale() == 3)
        try configure(["lora_alpha": 2], "transformer_lora/pytorch_lora_weights.safetensors.json")
        #expect(try scale() == 1)
    }

    @Test func metadataOfDiffusers() throws {
        var file = Self.lora("transformer.\(Self.toOut)")
        for (text, scale) in [
            (#"{"transformer.r": 2, "transformer.lora_alpha": 6}"#, 3 as Float),
            (#"{"transformer.lora_alpha": 6, "transformer.alpha_pattern": {"attn1.to_out.0": 1}}"#, 0.5),
            (#"{"text_encoder.lora_alpha": 6}"#, 1),
        ] {
            file.metadata = ["lora_adapter_metadata": text]
            #expect(try open(file).updates.values.first?.scale == scale)
        }
        file.metadata = ["lora_adapter_metadata": "{"]
        expectFailure(PIXART_ERROR_FORMAT, "lora_adapter_metadata") { _ = try open(file) }
    }

    @Test func scalesOfLyCORIS() throws {
        let module = "lycoris_proj_out"
        let whole: [TensorFile.Tensor] = [
            ("\(module).lokr_w1", [2, 2], [1, 2, 3, 4]), ("\(module).lokr_w2", [3, 3], .init(repeating: 1, count: 9)),
            ("\(module).alpha", [], [1e10]),
        ]
        #expect(try open(TensorFile(whole)).updates.values.first?.scale == 1)
        let factored: [TensorFile.Tensor] = [
            whole[0], ("\(module).lokr_w2_a", [3, 2], .init(repeating: 1, count: 6)),
            ("\(module).lokr_w2_b", [2, 3], .init(repeating: 1, count: 6)), ("\(module).alpha", [], [1]),
            ("\(module).scalar", [1], [3]),
        ]
        let update = try #require(try open(TensorFile(factored)).updates.values.first)
        #expect(update.scale == 1.5 && update.outputs == 6 && update.inputs == 6 && update.rank == 2)
        let loha = TensorFile(
            ["w1_a", "w2_a"].map { ("\(module).hada_\($0)", [6, 2], .init(repeating: 1, count: 12)) }
                + ["w1_b", "w2_b"].map { ("\(module).hada_\($0)", [2, 6], .init(repeating: 1, count: 12)) }
                + [("\(module).alpha", [], [1])])
        #expect(try open(loha).updates.values.first?.scale == 0.5)
    }
}
