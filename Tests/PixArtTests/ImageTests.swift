import PixArt
import TestSupport
import Testing

/// Images, and the stages that make them.
@Suite struct ImageTests {
    /// All ways to an image lead to that of the C interface, bit by bit.
    @Test func imagesAreThoseOfC() async throws {
        let golden = try Emoji.golden()
        let (prompt, negative) = try await Emoji.embeddings()
        let denoiser = try await Emoji.denoiser()
        let latents = try await denoiser.denoise(prompt: prompt, negative: negative, options: Emoji.run)
        #expect(try await Emoji.images(latents) == [golden])

        let sampler = try await denoiser.sampler(prompt: prompt, negative: negative, options: Emoji.run)
        #expect(sampler.steps == 4 && sampler.stepIndex == 0 && sampler.timesteps.count == 4)
        try await sampler.step()
        #expect(sampler.stepIndex == 1)
        #expect(try await sampler.finish() == latents)
        #expect(try await sampler.latents() == latents)
        await expectError(.state, "all 4 steps are done") { try await sampler.step() }
    }

    @Test(arguments: [false, true])
    func aPipelineMakesThem(oneStageAtATime: Bool) async throws {
        let golden = try Emoji.golden()
        let pipeline = Emoji.pipeline(oneStageAtATime: oneStageAtATime)
        #expect(try await pipeline.generate(prompt: Emoji.prompt, options: Emoji.run) == golden)
        var options = Emoji.run
        options.seed = 8
        let other = try await pipeline.generate(prompt: Emoji.prompt, options: options)
        #expect(other != golden)
        #expect(try await pipeline.generate(prompt: Emoji.prompt, seed: 7, options: options) == golden)
        try await pipeline.close()
        #expect(try await pipeline.generate(prompt: Emoji.prompt, options: Emoji.run) == golden)
    }

    /// Two models are open and work at the same time.
    @Test func twoModelsAtOnce() async throws {
        let golden = try Emoji.golden()
        async let first = Emoji.pipeline().generate(prompt: Emoji.prompt, options: Emoji.run)
        async let second = Emoji.pipeline().generate(prompt: Emoji.prompt, options: Emoji.run)
        #expect(try await [first, second] == [golden, golden])
        // Calls on one pipeline take turns.
        let pipeline = Emoji.pipeline()
        async let third = pipeline.generate(prompt: Emoji.prompt, options: Emoji.run)
        async let fourth = pipeline.generate(prompt: Emoji.prompt, options: Emoji.run)
        #expect(try await [third, fourth] == [golden, golden])
    }

    @Test func manyPrompts() async throws {
        let options = DenoiseOptions(numImagesPerPrompt: 2, numInferenceSteps: 2, seed: [1, 2, 3, 4])
        let images = try await Emoji.pipeline().generate(prompts: ["a cat", "a dog"], options: options)
        #expect(images.count == 4 && Set(images.map(\.bytes)).count == 4)
        await expectError(.option, "num_images_per_prompt", "is 2; expected 1") {
            _ = try await Emoji.pipeline().generate(
                prompt: "a cat", options: DenoiseOptions(numImagesPerPrompt: 2, numInferenceSteps: 1))
        }
    }

    /// With a mask, the rest is the original's; with little strength, the image stays near it.
    @Test func fromAnImage() async throws {
        let golden = try Emoji.golden()
        let side = golden.width
        let mask = try Tensor(
            shape: [side, side], bytes: (0..<side * side).map { $0 % side < side / 2 ? 255 : 0 })
        let options = DenoiseOptions(
            height: side, numInferenceSteps: 4, seed: 7, strength: 0.75, useResolutionBinning: false, width: side)
        let painted = try await Emoji.pipeline().generate(
            prompt: "a red heart", image: golden, mask: mask, options: options)
        #expect(painted != golden && painted.width == side)
        let blended = try painted.blended(over: golden, mask: mask)
        for pixel in 0..<side * side where pixel % side >= side / 2 {
            #expect(blended.bytes[3 * pixel] == golden.bytes[3 * pixel])
            if pixel > side { break }
        }
        await expectError(.state, "strength") {
            _ = try await Emoji.pipeline().generate(prompt: "a heart", image: golden, options: Emoji.run)
        }
    }

    @Test func pngRoundTrip() async throws {
        let golden = try Emoji.golden()
        let folder = try ScratchFolder()
        let path = "\(folder.path)/cat.png"
        try golden.write(to: path, text: ["prompt": Emoji.prompt])
        #expect(try Image(contentsOf: path) == golden)
        #expect(try Image(pngData: golden.pngData(text: ["seed": "7"])) == golden)
        #expect(try Tensor([golden, golden]).images() == [golden, golden])
        let small = try golden.resized(ImageResizeOptions(height: 16, resizeMode: .crop, width: 8))
        #expect(small.width == 8 && small.height == 16 && small.bytes.count == 3 * 8 * 16)
    }

    @Test func tensorFiles() throws {
        let folder = try ScratchFolder()
        let path = "\(folder.path)/tensors.safetensors"
        let (floats, bytes) = (
            try Tensor(shape: [2, 2], floats: [1, 2, 3, -0.5]), try Tensor(shape: [3], bytes: [1, 2, 3])
        )
        try TensorFile.write(["floats": floats, "bytes": bytes], to: path)
        #expect(try TensorFile.read(["bytes", "floats"], from: path) == ["floats": floats, "bytes": bytes])
        #expect(floats.floats == [1, 2, 3, -0.5] && floats.description == "float32 [2, 2]")
        #expect(try TensorFile.list(path).description.contains("floats"))
    }
}
