import CPixArt
import Foundation
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

/// The option "attention", from opening to the latents of a run.
@Suite struct AttentionOptionTests {
    private let tiny: TinyTransformer

    init() throws { tiny = try TinyTransformer() }

    private func text(_ members: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    }

    private func open(_ options: [String: Any]) throws -> Denoiser {
        try Denoiser(
            model: tiny.folder.path,
            DenoiserOpenOptions(json: text(options.merging(["threads": 2]) { own, _ in own })))
    }

    /// Two images under guidance, of 6 x 10 patches.
    private func run(_ attention: String, _ compute: String, _ options: [String: Any] = [:]) throws -> [Float] {
        let run: [String: Any] = [
            "num_inference_steps": 2, "guidance_scale": 3, "height": 96, "width": 160, "num_images_per_prompt": 2,
        ]
        return try open(["attention": attention, "compute": compute]).denoise(
            prompt: tiny.embedding(), negative: tiny.embedding(),
            DenoiseOptions(json: text(run.merging(options) { _, other in other }))
        ).floats
    }

    @Test func automaticIsThePrecisionOfCompute() throws {
        #expect(try run("auto", "int8") == run("int8", "int8"))
        #expect(try run("auto", "bfloat16") == run("bfloat16", "bfloat16"))
        #expect(try run("auto", "int8") != run("bfloat16", "int8"))
        #expect(try run("auto", "bfloat16") != run("int8", "bfloat16"))
    }

    /// What int8 attention changes, with all else exact: two-sided. Perturbed predictions have no self-attention in
    /// some blocks.
    @Test(arguments: [[:], ["pag_scale": 2.0]] as [[String: Double]])
    func error(_ options: [String: Double]) throws {
        let error = relativeError(
            try run("int8", "float32", options), try run("auto", "float32", options).map { Double($0) })
        #expect(1e-4 < error && error < 1e-2, "\(error)")
    }

    /// An estimate is what the handle says. Narrow heads take more memory than the rounded activations leave.
    @Test(arguments: [("auto", "float32"), ("int8", "float32"), ("bfloat16", "int8"), ("int8", "int8")])
    func memory(_ precision: (attention: String, compute: String)) throws {
        let size: [String: Any] = ["height": 96, "width": 160]
        let options: [String: Any] = ["attention": precision.attention, "compute": precision.compute]
        func estimate(_ options: [String: Any]) throws -> MemoryReport {
            let all = options.merging(size) { own, _ in own }.merging(["threads": 2]) { own, _ in own }
            return try Estimate.report(model: tiny.folder.path, MemoryEstimateOptions(json: text(all)))
        }
        let handle = try open(options).memory(DenoiserMemoryOptions(json: text(size)))
        #expect(try estimate(options).activations == handle.activations)
        let other = try estimate([
            "compute": precision.compute, "attention": precision.compute == "int8" ? "bfloat16" : "auto",
        ])
        #expect((handle.activations > other.activations) == (precision.attention == "int8"))
    }

    @Test func refused() throws {
        expectFailure(PIXART_ERROR_OPTION, "\"attention\" is \"bfloat16\"", "compute \"float32\"") {
            _ = try open(["attention": "bfloat16", "compute": "float32"])
        }
        expectFailure(PIXART_ERROR_OPTION, "\"attention\" is \"int8\"", "attention_head_dim 96", "at most 79") {
            _ = try open(["attention": "int8", "config": ["attention_head_dim": 96, "cross_attention_dim": 192]])
        }
        expectFailure(PIXART_ERROR_OPTION, "\"attention\" is \"fp8\"") { _ = try open(["attention": "fp8"]) }
    }
}
