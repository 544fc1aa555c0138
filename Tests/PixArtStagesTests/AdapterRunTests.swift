import CPixArt
import Foundation
import PixArtFormats
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

/// Adapters from the options of an open to the latents of a run.
@Suite struct AdapterRunTests {
    private let tiny: TinyTransformer

    init() throws { tiny = try TinyTransformer() }

    private func text(_ members: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    }

    private func open(_ options: [String: Any] = [:], model: String? = nil) throws -> Denoiser {
        try Denoiser(
            model: model ?? tiny.folder.path,
            DenoiserOpenOptions(json: text(options.merging(["threads": 2]) { own, _ in own })))
    }

    private func run(_ denoiser: Denoiser, scales: [String: Any] = [:]) throws -> [Float] {
        let options: [String: Any] = [
            "num_inference_steps": 2, "guidance_scale": 1, "height": 32, "width": 32, "adapter_scales": scales,
        ]
        return try denoiser.denoise(
            prompt: tiny.embedding(), negative: nil, DenoiseOptions(json: text(options))
        ).floats
    }

    private func run(_ options: [String: Any]) throws -> [Float] { try run(open(options)) }

    private func report(_ denoiser: Denoiser) throws -> [JSONValue] {
        try #require(denoiser.report.json["adapters"]?.array)
    }

    @Test func mergedOrBeside() throws {
        let path = try tiny.lora("style")
        let base = try run([:])
        let merged = try open(["adapters": [path]])
        let beside = try open(["adapters": [path], "fuse_adapters": false])
        let expected = try run(merged)
        #expect(relativeError(expected, base) > 0.05)
        #expect(relativeError(try run(beside), expected) < 2e-6)
        let report = try #require(try report(merged).first)
        #expect(report["name"] == .string("style") && report["fused"] == .bool(true))
        #expect(report["modules"] == .integer(Int64(tiny.layers.count)) && report["ranks"] == .array([.integer(3)]))
        #expect(report["naming"] == .array([.string("diffusers")]) && report["own_scales"] == .array([.number(1)]))
        #expect(try self.report(beside)[0]["fused"] == .bool(false))
    }

    /// Adding an adapter to rounded weights adds no rounding: the error is about that of the base.
    @Test(arguments: ["int8", "int4"])
    func roundedBases(_ weights: String) throws {
        let path = try tiny.lora("style")
        let out = "\(tiny.folder.path)/\(weights)"
        try Conversion.convert(
            model: tiny.folder.path, to: out, ConvertOptions(json: text(["weights": weights])))
        let (exact, adapted) = (try run([:]), try run(["adapters": [path]]))
        let base = try relativeError(run(open(["compute": "float32"], model: out)), exact)
        let denoiser = try open(["compute": "float32", "adapters": [path]], model: out)
        let error = try relativeError(run(denoiser), adapted)
        #expect(base > 1e-4 && error > base / 5 && error < 2 * base, "\(base), \(error)")
        expectFailure(PIXART_ERROR_MODEL, "is stored as \(weights)", "convert the original") {
            try Conversion.convert(
                model: out, to: "\(out)-2", ConvertOptions(json: text(["weights": weights, "adapters": [path]])))
        }
    }

    /// The bits of a conversion with adapters are those of an open with them.
    @Test(arguments: ["float32", "bfloat16", "int8", "int4"])
    func conversion(_ weights: String) throws {
        let adapters: [[String: Any]] = [["path": try tiny.lora("a"), "scale": 0.5], ["path": try tiny.lora("b")]]
        let out = "\(tiny.folder.path)/out"
        try Conversion.convert(
            model: tiny.folder.path, to: out, ConvertOptions(json: text(["weights": weights, "adapters": adapters])))
        let expected = try run(["weights": weights, "adapters": adapters])
        #expect(try run(open(model: out)) == expected)
    }

    @Test func scalesOfRuns() throws {
        let (first, second) = (try tiny.lora("a"), try tiny.lora("b"))
        let denoiser = try open(["adapters": [first, ["path": second, "name": "other"]], "fuse_adapters": false])
        let initial = try run(denoiser)
        for (scales, strengths) in [
            (["a": 0.5, "other": -1], [0.5, -1]), (["other": 0], [1, 0]), (["a": 0, "other": 0], [0, 0]),
        ] as [([String: Double], [Double])] {
            let opened = zip([first, second], strengths).map { ["path": $0, "scale": $1] as [String: Any] }
            #expect(try relativeError(run(denoiser, scales: scales), run(["adapters": opened])) < 3e-6)
        }
        #expect(try run(denoiser) == initial)
        expectFailure(PIXART_ERROR_OPTION, "\"adapter_scales\" has \"b\"", "\"a\", \"other\"") {
            _ = try run(denoiser, scales: ["b": 1])
        }
        expectFailure(PIXART_ERROR_OPTION, "\"a\", which is merged", "fuse_adapters") {
            _ = try run(open(["adapters": [first]]), scales: ["a": 1])
        }
        expectFailure(PIXART_ERROR_OPTION, "it has none") { _ = try run(open(), scales: ["a": 1]) }
    }

    @Test func tenAdapters() throws {
        let adapters = try (0..<10).map { ["path": try tiny.lora("\($0)", rank: 1 + $0 % 3, size: 0.2)] }
        let merged = try run(["adapters": adapters])
        #expect(relativeError(try run(["adapters": adapters, "fuse_adapters": false]), merged) < 5e-6)
    }

    /// An estimate is what the handle says, whatever adapters do.
    @Test(arguments: [true, false], ["auto", "bfloat16", "int8"])
    func memory(_ fuses: Bool, _ weights: String) throws {
        let open: [String: Any] = ["adapters": [try tiny.lora("a")], "fuse_adapters": fuses, "weights": weights]
        let size: [String: Any] = ["height": 32, "width": 32]
        let handle = try self.open(open).memory(DenoiserMemoryOptions(json: text(size)))
        let options = open.merging(size) { own, _ in own }.merging(["threads": 2, "stage": "denoise"]) { own, _ in own }
        let estimate = try Estimate.report(model: tiny.folder.path, MemoryEstimateOptions(json: text(options)))
        #expect(estimate.weights == handle.weights && estimate.activations == handle.activations)
        #expect((estimate.weights.largestRank > 0) == !fuses)
        let plain = try self.open(["weights": weights]).memory(DenoiserMemoryOptions(json: text(size)))
        #expect((handle.activations > plain.activations) == !fuses)
    }

    @Test func errors() throws {
        let path = try tiny.lora("a")
        expectFailure(PIXART_ERROR_OPTION, "two adapters called \"a\"") { _ = try open(["adapters": [path, path]]) }
        expectFailure(PIXART_ERROR_MODEL, "whole network", "expected LoRA") {
            _ = try open(["adapters": ["\(tiny.folder.path)/transformer/diffusion_pytorch_model.safetensors"]])
        }
        let other = TensorFile([
            ("text_encoder.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight", [1, 2], [1, 2])
        ])
        try other.write("\(tiny.folder.path)/other.safetensors")
        for verb in ["open", "convert"] {
            expectFailure(PIXART_ERROR_MODEL, "other.safetensors", "changes no module", "diffusers") {
                let adapters: [String: Any] = ["adapters": ["\(tiny.folder.path)/other.safetensors"]]
                if verb == "open" { return _ = try open(adapters) }
                try Conversion.convert(
                    model: tiny.folder.path, to: "\(tiny.folder.path)/out", ConvertOptions(json: text(adapters)))
            }
        }
        for value in [
            "1", "\"x\"", "[1]", "[\"\"]", "[{}]", "[{\"path\":\"a\",\"scale\":101}]", "[{\"path\":\"a\",\"x\":1}]",
        ] {
            expectFailure(PIXART_ERROR_OPTION, "option \"adapters\" is \(value)", "an array of paths") {
                _ = try DenoiserOpenOptions(json: "{\"adapters\": \(value)}")
            }
        }
    }
}
