import CPixArt
import Foundation
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

/// Runs with a control image.
@Suite struct ControlTests {
    private let model = try! ControlModel()

    private func states(
        _ denoiser: Denoiser, _ options: String = "", control: Tensor? = nil, images: Int = 2
    ) throws -> [[Float]] {
        let sampler = try model.sampler(denoiser, options, images: images)
        if let control { try sampler.setControl(control) }
        return try sampler.states()
    }

    /// Latents after every step of a guided run in which the ControlNet guides the middle.
    @Test func reference() throws {
        let options =
            #", "controlnet_conditioning_scale": 0.7, "control_guidance_start": 0.2, "control_guidance_end": 0.8"#
        let found = try states(model.controlled(), options, control: model["hints"])
        let expected = try model["run"].floats
        let count = expected.count / 5
        #expect(found.count == 5)
        for (step, latents) in found.enumerated() {
            #expect(relativeError(latents, Array(expected[step * count..<(step + 1) * count])) < 1e-5, "step \(step)")
        }
    }

    /// A scale of 0 is the transformer alone, to the bit, with a control image and without.
    @Test func scaleOfZero() throws {
        let expected = try states(model.denoiser())
        let denoiser = try model.controlled()
        let options = #", "controlnet_conditioning_scale": 0"#
        #expect(try states(denoiser, options, control: model["hints"]) == expected)
        #expect(try states(denoiser, options) == expected)
        #expect(try states(denoiser, control: model["hints"]) != expected)
        let prompts = (try model["prompt"], try model["negative"])
        let whole = try DenoiseOptions(
            json: """
                {"height": 48, "width": 80, "use_resolution_binning": false, "num_inference_steps": 2\(options)}
                """)
        let latents = try denoiser.denoise(prompt: prompts.0, negative: prompts.1, whole).floats
        #expect(try model.denoiser().denoise(prompt: prompts.0, negative: prompts.1, whole).floats == latents)
    }

    /// Steps outside the interval are those of the transformer alone; of 5 steps, 0.4 to 1 are the last three, as
    /// in diffusers.
    @Test func intervals() throws {
        let denoiser = try model.controlled()
        let (plain, controlled) = (try states(model.denoiser()), try states(denoiser, control: model["hints"]))
        let late = try states(denoiser, #", "control_guidance_start": 0.4"#, control: model["hints"])
        #expect(late[..<2] == plain[..<2] && late[2] != plain[2])
        let early = try states(denoiser, #", "control_guidance_end": 0.6"#, control: model["hints"])
        #expect(early[..<3] == controlled[..<3] && early[3] != controlled[3])
        // No whole step lies within.
        let options = #", "control_guidance_start": 0.41, "control_guidance_end": 0.59"#
        #expect(try states(denoiser, options, control: model["hints"]) == plain)
    }

    /// A step that was cancelled in any part can be run again, and a run can be repeated.
    @Test func cancelAndRepeat() throws {
        let denoiser = try model.controlled()
        let expected = try states(denoiser, control: model["hints"])
        #expect(try states(denoiser, control: model["hints"]) == expected)
        let sampler = try model.sampler(denoiser)
        try sampler.setControl(model["hints"])
        for step in 0..<5 {
            for part in 1...7 {
                let limit = (Double(step) + Double(part) / 7) / 5
                expectFailure(PIXART_CANCELLED) {
                    try CallProgress.run({ _, _, fraction in fraction < limit - 1e-9 }) { try sampler.step() }
                }
            }
            #expect(sampler.stepIndex == step)
            try sampler.step()
            #expect(try sampler.latents().floats == expected[step])
        }
    }

    /// One control image for all images of a batch, or one for each, as in runs of their own.
    @Test func batches() throws {
        let denoiser = try model.controlled()
        let one = try #require(try states(denoiser, control: model.hint(1)).last)
        let each = try #require(try states(denoiser, control: model["hints"]).last)
        let half = one.count / 2
        #expect(relativeError(Array(one[half...]), Array(each[half...])) < 1e-5)
        #expect(relativeError(Array(one[..<half]), Array(each[..<half])) > 1e-3)
        // The second image alone: its noise is the second half.
        let sampler = try model.sampler(denoiser, images: 1)
        let noise = try model["latents"].floats
        try sampler.setLatents(Tensor(shape: [1, 4, 6, 10], elements: Array(noise[half...])))
        try sampler.setControl(model.hint(1))
        #expect(relativeError(try #require(try sampler.states().last), Array(each[half...])) < 1e-5)
    }

    /// Guidance by perturbed attention has the same control image.
    @Test func perturbedAttention() throws {
        let denoiser = try model.controlled()
        let options = #", "pag_scale": 2, "pag_applied_layers": [1]"#
        let found = try states(denoiser, options, control: model["hints"])
        #expect(found.allSatisfy { $0.allSatisfy(\.isFinite) })
        #expect(try found != states(denoiser, control: model["hints"]))
        #expect(try found != states(model.denoiser(), options))
    }

    // MARK: Failures

    @Test func refusedCalls() throws {
        let denoiser = try model.controlled()
        let hints = try model["hints"]
        expectFailure(PIXART_ERROR_STATE, "no ControlNet", "\"controlnet\"") {
            try model.sampler(model.denoiser()).setControl(hints)
        }
        let sampler = try model.sampler(denoiser)
        expectFailure(PIXART_ERROR_STATE, "pixart_sampler_set_control") { try sampler.step() }
        #expect(sampler.stepIndex == 0)
        for shape in [[3, 4, 6, 10], [2, 4, 6, 8], [1, 8, 6, 10], [4, 6, 10]] {
            let other = try Tensor(shape: shape, elements: [Float](repeating: 0, count: shape.reduce(1, *)))
            expectFailure(PIXART_ERROR_ARGUMENT, "latents are", "[1 or 2, 4, 6, 10]") { try sampler.setControl(other) }
        }
        var elements = hints.floats
        elements[7] = .nan
        let damaged = try Tensor(shape: hints.shape, elements: elements)
        expectFailure(PIXART_ERROR_ARGUMENT, "nan") { try sampler.setControl(damaged) }
        try sampler.setControl(hints)
        try sampler.step()
        expectFailure(PIXART_ERROR_STATE, "before the first step") { try sampler.setControl(hints) }
        expectFailure(PIXART_ERROR_OPTION, "control_guidance_start", "0.5", "0.25") {
            _ = try model.sampler(denoiser, #", "control_guidance_start": 0.5, "control_guidance_end": 0.25"#)
        }
        expectFailure(PIXART_ERROR_STATE, "pixart_sampler_set_control") {
            _ = try denoiser.denoise(
                prompt: model["prompt"], negative: model["negative"],
                DenoiseOptions(json: #"{"height": 48, "width": 80, "use_resolution_binning": false}"#))
        }
    }

    @Test func refusedFiles() throws {
        expectFailure(PIXART_ERROR_FILE, "nowhere") { _ = try model.denoiser(#", "controlnet": "./nowhere""#) }
        // As many copies as the transformer has blocks, a wrong number of them, and another class.
        let short = try ControlModel(["num_layers": 3])
        expectFailure(PIXART_ERROR_MODEL, "ControlNet of 3 blocks", "fewer than the 3") { _ = try short.controlled() }
        let adapter = ["_class_name": "PixArtControlNetAdapterModel"] as [String: Any]
        for (copies, message) in [(2, "controlnet_blocks.2."), (13, "fewer than the 4")] {
            let other = try ControlModel(adapter.merging(["num_layers": copies]) { $1 })
            expectFailure(PIXART_ERROR_MODEL, message) {
                _ = try model.denoiser(#", "controlnet": "\#(other.folder.path)""#)
            }
        }
        let foreign = try ControlModel(["_class_name": "ControlNetModel"])
        expectFailure(PIXART_ERROR_MODEL, "_class_name", "PixArtControlNetAdapterModel") {
            _ = try model.denoiser(#", "controlnet": "\#(foreign.folder.path)""#)
        }
    }

    // MARK: Forms

    /// A file without a configuration, for each network.
    @Test func singleFile() throws {
        let heads =
            #""config": {"num_attention_heads": 3, "attention_head_dim": 8, "sample_size": 8, "interpolation_scale": 1}"#
        let denoiser = try Denoiser(
            model: ControlModel.file,
            DenoiserOpenOptions(json: #"{\#(heads), "controlnet": "\#(ControlModel.file)", "threads": 2}"#))
        let expected = try states(model.controlled(), control: model["hints"])
        #expect(try states(denoiser, control: model["hints"]) == expected)
    }

    /// The report names the files and the copies, and memory is what an estimate says.
    @Test func reports() throws {
        let denoiser = try model.controlled()
        let report = try #require(denoiser.report.json.object)
        #expect(report["architecture"]?["controlnet_num_layers"]?.integer == 3)
        let files = (report["files"]?.array ?? []).compactMap(\.string)
        #expect(files.filter { $0.hasSuffix(".safetensors") }.count == 2)
        #expect(report["ignored_tensors"]?.array?.isEmpty == true)

        func members(_ report: MemoryReport) -> [String: Int64] {
            let object = report.json.object ?? [:]
            return Dictionary(uniqueKeysWithValues: object.map { ($0.key.text, $0.value.integer ?? -1) })
        }
        let size = #""height": 48, "width": 80, "use_resolution_binning": false, "num_images_per_prompt": 2"#
        var opened = members(try denoiser.memory(DenoiserMemoryOptions(json: "{\(size)}")))
        opened["activations_held"] = nil
        let estimate = try Estimate.report(
            model: model.folder.path,
            MemoryEstimateOptions(json: #"{\#(size), "controlnet": "\#(model.folder.path)", "threads": 2}"#))
        #expect(opened == members(estimate))
        let plain = members(try model.denoiser().memory(DenoiserMemoryOptions(json: "{\(size)}")))
        for key in ["weights_resident", "weights_mapped", "activations", "peak"] {
            #expect((opened[key] ?? 0) > (plain[key] ?? .max), "\(key)")
        }
    }

    /// Progress of an open goes from nothing to all, once.
    @Test func progress() throws {
        var steps: [Int] = []
        var totals: Set<Int> = []
        try CallProgress.run({ step, total, _ in
            steps.append(step)
            totals.insert(total)
            return true
        }) { _ = try model.controlled() }
        #expect(steps == steps.sorted() && steps.last == totals.first && totals.count == 1)
    }

    /// A conversion writes both networks as ordinary folders, which compute what the original does that is opened so.
    @Test(arguments: ["bfloat16", "int8", "int4"])
    func converted(_ weights: String) throws {
        let out = try ScratchFolder()
        try Conversion.convert(
            model: model.folder.path, to: out.path, ConvertOptions(json: #"{"weights": "\#(weights)", "threads": 2}"#))
        #expect(try out.content == ["controlnet", "transformer"])
        let denoiser = try Denoiser(
            model: out.path, DenoiserOpenOptions(json: #"{"threads": 2, "controlnet": "\#(out.path)"}"#))
        let hints = try model["hints"]
        let expected = try states(model.controlled(#", "weights": "\#(weights)""#), control: hints)
        #expect(try states(denoiser, control: hints) == expected)
        // A ControlNet of floating point beside a quantized transformer becomes what that is computed in; one that
        // is quantized is not widened.
        guard weights == "int8" else { return }
        let mixed = try Denoiser(
            model: out.path, DenoiserOpenOptions(json: #"{"threads": 2, "controlnet": "\#(model.folder.path)"}"#))
        #expect(try states(mixed, control: hints) == expected)
        expectFailure(PIXART_ERROR_OPTION, "\"weights\"", "controlnet") {
            _ = try model.denoiser(#", "weights": "float32", "controlnet": "\#(out.path)/controlnet""#)
        }
    }
}
