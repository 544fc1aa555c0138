import Foundation
import PixArtFormats
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

/// The small transformer with a ControlNet that tools/goldens/make_controlnet_goldens.py writes, as a folder of
/// diffusers' PixArtControlNetTransformerModel, which has both in one file.
struct ControlModel {
    private static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("PixArtNetworksTests/Resources")

    let folder: ScratchFolder
    /// Prompts, latents and the reference's results.
    private let golden: SafetensorsFile

    /// The path of the file of both networks.
    static var file: String { resources.appendingPathComponent("controlnet.safetensors").path }

    /// The fields of the configuration, with others in place of some.
    static func configuration(_ others: [String: Any] = [:]) -> [String: Any] {
        [
            "_class_name": "PixArtControlNetTransformerModel", "num_attention_heads": 3, "attention_head_dim": 8,
            "in_channels": 4, "out_channels": 8, "num_layers": 4, "cross_attention_dim": 24, "caption_channels": 20,
            "sample_size": 8, "use_additional_conditions": false,
        ].merging(others) { $1 }
    }

    init(_ others: [String: Any] = [:]) throws {
        folder = try ScratchFolder()
        golden = try SafetensorsFile(path: Self.resources.appendingPathComponent("controlnet-golden.safetensors").path)
        try folder.write("config.json", JSONSerialization.data(withJSONObject: Self.configuration(others)))
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/diffusion_pytorch_model.safetensors", withDestinationPath: Self.file)
    }

    subscript(name: String) -> Tensor {
        get throws { try Tensor(#require(try golden[name])) }
    }

    /// One of the two control images.
    func hint(_ index: Int) throws -> Tensor {
        let hints = try self["hints"]
        let count = hints.floats.count / 2
        return try Tensor(shape: [1, 4, 6, 10], elements: Array(hints.floats[index * count..<(index + 1) * count]))
    }

    func denoiser(_ options: String = "") throws -> Denoiser {
        try Denoiser(model: folder.path, DenoiserOpenOptions(json: #"{"threads": 2\#(options)}"#))
    }

    /// With the ControlNet.
    func controlled(_ options: String = "") throws -> Denoiser {
        try denoiser(#", "controlnet": "\#(folder.path)"\#(options)"#)
    }

    /// A run of five steps for two images, with the reference's noise. `options` follow others.
    func sampler(
        _ denoiser: Denoiser, _ options: String = "", images: Int = 2, steps: Int = 5,
        scheduler: String = #"{"_class_name": "DDIMScheduler", "clip_sample": false}"#, negativeIsPrompt: Bool = false
    ) throws -> Sampler {
        let sampler = try Sampler(
            denoiser, PromptBatch(prompt: self["prompt"], negative: self[negativeIsPrompt ? "prompt" : "negative"]),
            DenoiseOptions(
                json: """
                    {"height": 48, "width": 80, "use_resolution_binning": false, "num_inference_steps": \(steps),
                    "num_images_per_prompt": \(images), "guidance_scale": 3, \
                    "scheduler": \(scheduler)\(options)}
                    """))
        if images == 2 { try sampler.setLatents(self["latents"]) }
        return sampler
    }
}

extension Sampler {
    /// The latents after each of the steps that are left.
    func states() throws -> [[Float]] {
        var states: [[Float]] = []
        while stepIndex < steps {
            try step()
            states.append(try latents().floats)
        }
        return states
    }
}
