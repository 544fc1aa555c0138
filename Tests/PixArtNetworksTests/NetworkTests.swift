import Foundation
import PixArtCompute
import PixArtNetworks
import PixArtStorage
import TestSupport
import Testing

/// Rounding only; see docs/numerics.md.
private let tolerance = 2e-6

@Suite struct NetworkTests {
    private let pool = try! ThreadPool(threads: 2)

    @Test func t5() throws {
        let golden = try NetworkGolden("t5")
        let encoder = try T5Encoder(.golden, golden.weights)
        let ids = try golden["ids"].floats.map { Int32($0) }
        var layer = 0
        let output = try encoder(ids, pool) { x in
            let expected = try? golden["block.\(layer)"].floats
            #expect(relativeError(x.elements, expected ?? []) < tolerance, "layer \(layer)")
            layer += 1
        }
        #expect(layer == 3)
        #expect(relativeError(output.elements, try golden["output"].floats) < tolerance)
    }

    /// All distances within T5-XXL's longest prompts, in its configuration.
    @Test func relativePositionBuckets() {
        for distance in -600...600 {
            let magnitude = abs(distance)
            let expected: Int
            if magnitude < 8 {
                expected = magnitude
            } else {
                // The bucket k holds distances from 8 * 16^((k - 8) / 8) on: 8, 12, 16, 23, 32, 46, 64, 91, ...
                expected = [8, 12, 16, 23, 32, 46, 64, 91].lastIndex { magnitude >= $0 }! + 8
            }
            let bucket = RelativePosition.bucket(of: distance, buckets: 32, maximum: 128)
            #expect(bucket == expected + (distance > 0 ? 16 : 0), "distance \(distance)")
        }
    }

    @Test(arguments: [false, true])
    func transformer(_ hasSizes: Bool) throws {
        let golden = try NetworkGolden(hasSizes ? "transformer-sizes" : "transformer")
        let transformer = try PixArtTransformer(.golden(hasSizes: hasSizes), golden.weights)
        let latents = try golden["latents"]
        let segments = try ["negative", "prompt"].map {
            PixArtTransformer.BatchSegment(try transformer.prompt(golden.matrix($0), pool), items: 1)
        }
        let workspace = try transformer.workspace(
            for: LatentShape(latents)!, size: (latents.shape[2] * 8, latents.shape[3] * 8), pool)
        var (block, output) = (0, [Float]())
        try CallProgress.run({ _, _, share in
            // The host may be asked several times about the same block.
            guard share == Double(block + 1) / 2, let expected = try? golden["block.\(block)"].floats else {
                return true
            }
            #expect(relativeError(workspace.stream.elements, expected) < tolerance, "block \(block)")
            block += 1
            return true
        }) {
            output = try transformer(Latents(latents), timestep: 730, segments, workspace, pool).values
        }
        #expect(block == 2)
        #expect(relativeError(output, try golden["output"].floats) < tolerance)
    }

    /// The third item is the second one without self-attention in the second block. The others do not change,
    /// except for the rounding of GEMMs with fewer rows.
    @Test(arguments: [false, true])
    func perturbedItems(_ hasSizes: Bool) throws {
        let golden = try NetworkGolden(hasSizes ? "transformer-sizes" : "transformer")
        let transformer = try PixArtTransformer(.golden(hasSizes: hasSizes), golden.weights)
        let (latents, expected) = (try golden["latents"], try golden["perturbed"].floats)
        let prompt = try transformer.prompt(golden.matrix("prompt"), pool)
        let segments: [PixArtTransformer.BatchSegment] = [
            .init(try transformer.prompt(golden.matrix("negative"), pool), items: 1), .init(prompt, items: 1),
            .init(prompt, items: 1, isPerturbed: true),
        ]
        let shape = LatentShape(latents)!.with(images: 3, channels: latents.shape[1])
        let workspace = try transformer.workspace(
            for: shape, size: (latents.shape[2] * 8, latents.shape[3] * 8), pool)
        let input = Latents(shape, latents.floats + latents.floats[(latents.floats.count / 2)...])
        func predict(_ blocks: Set<Int>) throws -> [Float] {
            try transformer(
                input, timestep: 730, segments, perturbedBlocks: blocks, workspace, pool
            ).values
        }
        let output = try predict([1])
        #expect(relativeError(output, expected) < tolerance)
        #expect(relativeError(try predict([0]), expected) > 0.01)
        let plain = try predict([])
        let others = 2 * plain.count / 3
        #expect(relativeError(Array(output[..<others]), Array(plain[..<others])) < tolerance)
        #expect(relativeError(Array(output[others...]), Array(plain[others...])) > 0.01)
    }

    @Test func theHostEndsThePrediction() throws {
        let golden = try NetworkGolden("transformer")
        let transformer = try PixArtTransformer(.golden(hasSizes: false), golden.weights)
        let prompt = try transformer.prompt(golden.matrix("prompt"), pool)
        let shape = LatentShape(images: 1, channels: 4, height: 2, width: 2)
        let workspace = try transformer.workspace(for: shape, size: (16, 16), pool)
        let latents = Latents(shape, [Float](repeating: 0, count: shape.count))
        var calls = 0
        #expect(throws: PixArtError.cancelled) {
            try CallProgress.run({ _, _, fraction in
                calls += 1
                return fraction < 0.5
            }) {
                _ = try transformer(latents, timestep: 1, [.init(prompt, items: 1)], workspace, pool)
            }
        }
        #expect(calls > 0)
    }

    /// A prompt of one token takes a shortcut. The same token twice does not, and means the same. Tested next to a
    /// longer prompt, in either order.
    @Test(arguments: ComputePrecision.allCases)
    func promptOfOneToken(_ compute: ComputePrecision) throws {
        let golden = try NetworkGolden("transformer-sizes")
        let pool = try ThreadPool(threads: 2)
        let reader = WeightReader(WeightLoading(golden.source, as: compute == .int8 ? .int8 : nil, pool))
        let transformer = try PixArtTransformer(.golden(hasSizes: true), compute: compute, reader)
        let width = transformer.configuration.captionChannels
        let row = (0..<width).map { Float($0 % 7) / 7 - 0.4 }
        let long = try transformer.prompt(
            Matrix(rows: 3, columns: width, elements: (0..<3 * width).map { Float($0 % 11) / 11 - 0.5 }), pool)
        func predictions(_ tokens: Int, first: Bool) throws -> [Float] {
            let repeated = (0..<tokens).flatMap { _ in row }
            let prompt = try transformer.prompt(Matrix(rows: tokens, columns: width, elements: repeated), pool)
            let shape = LatentShape(
                images: 2, channels: transformer.configuration.inChannels, height: 4, width: 4)
            let workspace = try transformer.workspace(for: shape, size: (32, 32), pool)
            let segments = (first ? [prompt, long] : [long, prompt]).map {
                PixArtTransformer.BatchSegment($0, items: 1)
            }
            let latents = Latents(shape, (0..<shape.count).map { Float($0 % 13) / 13 - 0.5 })
            return try transformer(latents, timestep: 500, segments, workspace, pool).values
        }
        for first in [true, false] {
            let expected = try predictions(2, first: first)
            let error = relativeError(try predictions(1, first: first), expected)
            #expect(error < (compute == .float32 ? 1e-6 : 0.02), "\(error)")
        }
    }

    @Test(arguments: [true, false], Kernels.available)
    func vae(_ isWhole: Bool, _ instructions: String) throws {
        let golden = try NetworkGolden(isWhole ? "vae" : "vae-plain")
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let decoder = try VAEDecoder(.golden(isWhole: isWhole), golden.weights)
        let map = try golden.map("latents")
        var parts = ["mid_block", "up_blocks.0", "up_blocks.1"][...]
        let image = try decoder(map, pool) { x in
            guard let part = parts.popFirst() else { return }
            let expected = try? golden[part].floats
            #expect(relativeError(planar(x), expected ?? []) < tolerance, "\(part)")
        }
        #expect(parts.isEmpty)
        #expect(relativeError(planar(image), try golden["image"].floats) < tolerance)
    }

    /// One strip and many, that tiles divide and that they do not: the same bits.
    @Test(arguments: [(7, 5), (16, 24), (451, 21)], Kernels.available)
    func vaeInLowMemory(_ size: (height: Int, width: Int), _ instructions: String) throws {
        let pool = try ThreadPool(threads: 1, instructions: instructions)
        let decoder = try VAEDecoder(.golden(isWhole: false), NetworkGolden("vae-plain").weights)
        let latents = try FeatureMap(height: size.height, width: size.width, channels: 4)
        for index in 0..<4 * latents.pixels.rows { latents.pixels.start[index] = sin(Float(index)) }
        let expected = try decoder(latents, pool).pixels.elements
        var parts = 0
        let image = try decoder(latents, lowMemory: true, pool) { _ in parts += 1 }
        #expect(image.pixels.elements == expected)
        #expect(parts == 2)
        // Strips are as large as the workers ask for; the results do not depend on them.
        let several = try ThreadPool(threads: 3, instructions: instructions)
        #expect(try decoder(latents, lowMemory: true, several).pixels.elements == expected)
    }

    @Test(arguments: [true, false], Kernels.available)
    func vaeEncoder(_ isWhole: Bool, _ instructions: String) throws {
        let golden = try NetworkGolden(isWhole ? "vae" : "vae-plain")
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let encoder = try VAEEncoder(.golden(isWhole: isWhole), golden.weights)
        var parts = ["down_blocks.0", "down_blocks.1", "encoder.mid_block"][...]
        let distribution = try encoder(golden.map("picture"), pool) { x in
            guard let part = parts.popFirst() else { return }
            let expected = try? golden[part].floats
            #expect(relativeError(planar(x), expected ?? []) < tolerance, "\(part)")
        }
        #expect(parts.isEmpty)
        let logVariance = try #require(distribution.logVariance)
        let moments = planar(distribution.mean) + planar(logVariance)
        #expect(relativeError(moments, try golden["moments"].floats) < tolerance)
    }

    @Test(arguments: Kernels.available)
    func tinyAutoencoder(_ instructions: String) throws {
        let golden = try NetworkGolden("tiny-vae")
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let image = try TinyDecoder(.goldenDecoder, golden.weights).decode(
            golden.map("latents"), lowMemory: false, pool)
        #expect(relativeError(planar(image), try golden["image"].floats) < tolerance)
        let encoded = try TinyEncoder(.goldenEncoder, golden.weights).encode(golden.map("picture"), pool)
        #expect(encoded.logVariance == nil)
        #expect(relativeError(planar(encoded.mean), try golden["encoded"].floats) < tolerance)
    }
}
