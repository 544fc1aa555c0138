import Foundation
import PixArt

/// The model of the tests, and what the tests make with it.
enum Emoji {
    static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../models/emoji"
    ).standardized.path

    static let prompt = "a cute cat face on a blue background"

    /// The run of `Resources/cat.png`.
    static let run = DenoiseOptions(numInferenceSteps: 4, seed: 7)

    /// The image that the C interface makes.
    static func golden() throws -> Image {
        guard let url = Bundle.module.url(forResource: "cat", withExtension: "png", subdirectory: "Resources") else {
            throw PixArtError(.file, "Resources/cat.png is missing")
        }
        return try Image(contentsOf: url.path)
    }

    /// All bits are equal on processors with AVX2, AVX-512 and NEON, and with this option on others too.
    static func denoiser() async throws -> Denoiser {
        try await Denoiser(model: model, options: DenoiserOpenOptions(reproducible: true))
    }

    static func embeddings() async throws -> (prompt: Tensor, negative: Tensor) {
        let encoder = try await TextEncoder(model: model, options: EncoderOpenOptions(reproducible: true))
        return (try await encoder.encode(prompt), try await encoder.encode(""))
    }

    static func images(_ latents: Tensor) async throws -> [Image] {
        try await ImageDecoder(model: model, options: DecoderOpenOptions(reproducible: true)).decode(latents)
    }

    static func pipeline(oneStageAtATime: Bool = false) -> Pipeline {
        Pipeline(
            model: model, textEncoder: ["reproducible": true], denoiser: ["reproducible": true],
            imageDecoder: ["reproducible": true], imageEncoder: ["reproducible": true],
            oneStageAtATime: oneStageAtATime)
    }
}
