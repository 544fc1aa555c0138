import PixArt
import TestSupport
import Testing

/// Whatever users give, the answer is an error that says what was expected.
@Suite struct ErrorTests {
    @Test func models() async throws {
        await expectError(.file, "/nowhere/model") { _ = try await TextEncoder(model: "/nowhere/model") }
        await expectError(.file, "/nowhere/model") { _ = try await Denoiser(model: "/nowhere/model") }
        await expectError(.file, "/nowhere/model") { _ = try await ImageDecoder(model: "/nowhere/model") }
        await expectError(.file, "/nowhere/model") { _ = try await ImageEncoder(model: "/nowhere/model") }
        await expectError(.file, "/nowhere/model") {
            _ = try await Pipeline(model: "/nowhere/model").generate(prompt: "a cat")
        }
        await expectError(.argument, "model contains a NUL") { _ = try await TextEncoder(model: "models\0/emoji") }
        #expect("\(PixArtError(.file, "x"))" == "PIXART_ERROR_FILE: x")
    }

    @Test func options() async throws {
        await expectError(.option, "num_inference_stepz", "num_inference_steps") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", options: ["num_inference_stepz": 4])
        }
        await expectError(.option, "seed\\u0000x", "NUL") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", options: ["seed\0x": 4])
        }
        await expectError(.option, "guidance_scale", "a number") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", options: ["guidance_scale": "high"])
        }
        await expectError(.option, "num_inference_steps") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", options: DenoiseOptions(numInferenceSteps: -1))
        }
        await expectError(.option, "weights") {
            _ = try await Denoiser(model: Emoji.model, options: ["weights": "int2"])
        }
        await expectError(.option, "guidance_scale") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", options: DenoiseOptions(guidanceScale: .nan))
        }
        await expectError(.option, "seed") {
            _ = try await Emoji.pipeline().generate(prompt: "a cat", seed: [], options: Emoji.run)
        }
        await expectError(.option, "output_type", "decodeToTensor") {
            let latents = try Tensor(shape: [1, 4, 1, 1], floats: [0, 0, 0, 0])
            _ = try await ImageDecoder(model: Emoji.model).decode(latents, options: .init(outputType: .float32))
        }
    }

    @Test func tensors() async throws {
        await expectError(.argument, "3 elements", "float32 [2, 2]") {
            _ = try Tensor(shape: [2, 2], floats: [1, 2, 3])
        }
        await expectError(.argument, "negative") { _ = try Tensor(shape: [-1, -3], floats: [1, 2, 3]) }
        await expectError(.argument, "9 dimensions") {
            _ = try Tensor(shape: Array(repeating: 1, count: 9), floats: [1])
        }
        await expectError(.argument, "elements") { _ = try Tensor(shape: [.max, .max], bytes: []) }
        await expectError(.argument, "0 x 4") { _ = try Image(width: 0, height: 4, bytes: []) }
        await expectError(.argument, "-2 x -2") { _ = try Image(width: -2, height: -2, bytes: [1, 2, 3, 4]) }
        await expectError(.argument, "no images") { _ = try Tensor([]) }
        await expectError(.argument, "images[1]") {
            _ = try Tensor([
                Image(width: 1, height: 1, bytes: [1, 2, 3]), Image(width: 1, height: 2, bytes: [1, 2, 3, 4, 5, 6]),
            ])
        }
        await expectError(.argument, "images") { _ = try Tensor(shape: [1], floats: [1]).images() }
        await expectError(.format, "PNG") { _ = try Image(pngData: [1, 2, 3]) }
        await expectError(.format, "PNG") { _ = try Image(pngData: []) }
        await expectError(.file, "/nowhere.png") { _ = try Image(contentsOf: "/nowhere.png") }
        await expectError(.option, "keyword") {
            _ = try Image(width: 1, height: 1, bytes: [1, 2, 3]).pngData(text: ["": "empty"])
        }
    }

    @Test func embeddings() async throws {
        let denoiser = try await Emoji.denoiser()
        let wrong = try Tensor(shape: [1, 3], floats: [1, 2, 3])
        await expectError(.argument, "prompt is float32 [1, 3]") {
            _ = try await denoiser.denoise(prompt: wrong, negative: wrong)
        }
        let (prompt, _) = try await Emoji.embeddings()
        await expectError(.argument, "negative") { _ = try await denoiser.denoise(prompt: prompt) }
        await expectError(.argument, "0 prompts") { _ = try await denoiser.sampler(prompts: []) }
        await expectError(.argument, "1 negatives; expected 2") {
            _ = try await denoiser.sampler(prompts: [prompt, prompt], negatives: [prompt])
        }
        await expectError(.argument, "0 prompts") { _ = try await Emoji.pipeline().generate(prompts: []) }
        await expectError(.argument, "latents") { _ = try await Emoji.images(wrong) }
        let sampler = try await denoiser.sampler(prompt: prompt, negative: prompt, options: Emoji.run)
        await expectError(.state, "before the first step") { _ = try await sampler.preview() }
        await expectError(.state, "ControlNet") { try await sampler.setControl(wrong) }
        await expectError(.argument, "latents") { try await sampler.setNoise(wrong) }
    }

    /// Prompts are any text.
    @Test func prompts() async throws {
        let encoder = try await TextEncoder(model: Emoji.model)
        for prompt in ["", "\0", "h\u{e9}llo \"\u{1F600}\" \u{202E}cat", String(repeating: "cat ", count: 5000)] {
            let embedding = try await encoder.encode(prompt)
            #expect(embedding.shape[0] == (try await encoder.tokenize(prompt)).ids.count)
        }
        let long = try await encoder.tokenize(
            String(repeating: "cat ", count: 5000), options: EncodeOptions(maxSequenceLength: 8))
        #expect(long.ids.count == 8 && long.truncatedTokens > 0 && long.maximum == 8)
    }
}
