import Foundation
import PixArt
import Testing

/// Options, reports and facts.
@Suite struct OptionTests {
    /// Compares the properties of a verb's options, and the names of their values, with the schema.
    private func check<Options: CallOptions>(_ verb: String, _ type: Options.Type) throws {
        let schema = try #require(Library.optionsSchema(of: verb)?["properties"]?.object)
        // Computed properties cannot be listed, so the file that declares them is read.
        let name = "\(type)"
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../Sources/PixArt/Options/Verbs/\(name).swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        let written = Set(text.matches(of: /write\("(\w+)", newValue\)/).map { String($0.1) })
        #expect(written == Set(schema.keys), "run make docs")
        for (key, row) in schema {
            #expect(text.contains("Default: `"), "\(key)")
            for value in row["enum"]?.array?.compactMap(\.string) ?? [] where key != "preset" {
                #expect(text.contains("case \(value)") || text.contains("\"\(value)\"") || text.contains("`\(value)`"))
            }
        }
    }

    @Test func everyOptionIsAProperty() throws {
        try check("encoder_open", EncoderOpenOptions.self)
        try check("encode", EncodeOptions.self)
        try check("encoder_memory", EncoderMemoryOptions.self)
        try check("denoiser_open", DenoiserOpenOptions.self)
        try check("denoise", DenoiseOptions.self)
        try check("denoiser_memory", DenoiserMemoryOptions.self)
        try check("sampler_preview", SamplerPreviewOptions.self)
        try check("decoder_open", DecoderOpenOptions.self)
        try check("decode", DecodeOptions.self)
        try check("decoder_memory", DecoderMemoryOptions.self)
        try check("image_encoder_open", ImageEncoderOpenOptions.self)
        try check("image_encode", ImageEncodeOptions.self)
        try check("image_encoder_memory", ImageEncoderMemoryOptions.self)
        try check("image_read", ImageReadOptions.self)
        try check("image_write", ImageWriteOptions.self)
        try check("image_resize", ImageResizeOptions.self)
        try check("image_edges", ImageEdgesOptions.self)
        try check("convert", ConvertOptions.self)
        try check("memory_estimate", MemoryEstimateOptions.self)
        try check("inspect", InspectOptions.self)
        #expect(Library.verbs.count == 20 && Library.optionsSchema(of: "nothing") == nil)
    }

    @Test func propertiesAndLiteralsAreTheSame() throws {
        var options = DenoiseOptions(
            adapterScales: ["style": 0.5], guidanceScale: 4.5, numInferenceSteps: 30, pagAppliedLayers: [1, 2],
            preset: .fast, result: .predictedOriginal, scheduler: "EulerDiscrete",
            seed: [1, 18_446_744_073_709_551_615],
            useResolutionBinning: false)
        let literal: DenoiseOptions = [
            "adapter_scales": ["style": 0.5], "guidance_scale": 4.5, "num_inference_steps": 30,
            "pag_applied_layers": [1, 2], "preset": "fast", "result": "predicted_original",
            "scheduler": "EulerDiscrete", "seed": [1, .unsigned(.max)], "use_resolution_binning": false,
        ]
        #expect(options == literal)
        #expect(literal.seed == [1, 18_446_744_073_709_551_615] && literal.preset == .fast)
        #expect(literal.result == .predictedOriginal && literal.pagAppliedLayers == [1, 2])
        #expect(literal.adapterScales == ["style": 0.5] && literal.useResolutionBinning == false)
        #expect(literal.cache == nil && literal.height == nil)
        let coded = try JSONEncoder().encode(options)
        #expect(try JSONDecoder().decode(DenoiseOptions.self, from: coded) == options)
        options.cache = .null
        #expect(options.members["cache"] == .null)
        options.cache = nil
        #expect(options == literal)
    }

    @Test func json() throws {
        let value: JSON = ["list": [1, 2.5, .null, true, "text"], "large": .unsigned(.max)]
        #expect(try JSON(parsing: value.description) == value)
        #expect(value["list"]?[1]?.number == 2.5 && value["list"]?[9] == nil && value[0] == nil)
        #expect(throws: PixArtError.self) { try JSON(parsing: "{") }
        let coded = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSON.self, from: coded) == value)
    }

    @Test func reports() async throws {
        let denoiser = try await Denoiser(model: Emoji.model, options: DenoiserOpenOptions(weights: .int8))
        #expect(denoiser.report["precision"]?["weights"] == "int8")
        let memory = try denoiser.memory(DenoiserMemoryOptions(height: 128, width: 128))
        #expect((memory.object ?? [:]).isEmpty == false)
        let estimate = try await Checkpoint.memoryEstimate(
            Emoji.model, options: MemoryEstimateOptions(stage: .denoise, weights: .int8))
        #expect(estimate["weights_resident"] == memory["weights_resident"] && memory["peak"]?.integer != nil)
        #expect(try await Checkpoint.inspect(Emoji.model)["parts"]?["transformer"] != nil)
        #expect(Library.version.split(separator: ".").count == 3)
    }
}
