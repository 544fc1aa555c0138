import Foundation
import PixArtCompute
import PixArtNetworks
import PixArtStorage
import Synchronization
import TestSupport
import Testing

/// The precision of an opened network, and the error of its output against the reference's float32: at most about
/// twice what was measured, and more than the error of weights with a finer precision. `Rounding` distinguishes the
/// precisions of the computation.
struct Setting: Sendable, CustomTestStringConvertible {
    let weights: WeightEncoding?
    let compute: ComputePrecision
    /// Relative errors of T5's embedding and of the transformer's prediction.
    let t5, transformer: ClosedRange<Double>

    var testDescription: String { "weights \(weights?.rawValue ?? "auto"), compute \(compute)" }

    private init(
        _ weights: WeightEncoding?, _ compute: ComputePrecision, _ t5: ClosedRange<Double>,
        _ transformer: ClosedRange<Double>
    ) {
        self.weights = weights
        self.compute = compute
        self.t5 = t5
        self.transformer = transformer
    }

    static let all = [
        Setting(nil, .float32, 0...2e-6, 0...2e-6),
        Setting(nil, .bfloat16, 0.014...0.03, 0.002...0.005),
        Setting(.bfloat16, .float32, 0.006...0.026, 0.001...0.004),
        Setting(.bfloat16, .bfloat16, 0.014...0.03, 0.0025...0.006),
        Setting(.int8, .float32, 0.02...0.06, 0.0035...0.011),
        Setting(.int8, .bfloat16, 0.03...0.06, 0.0045...0.013),
        Setting(.int8, .int8, 0.034...0.08, 0.007...0.017),
        Setting(.int4, .float32, 0.2...0.6, 0.025...0.12),
        Setting(.int4, .bfloat16, 0.2...0.6, 0.025...0.12),
        Setting(.int4, .int8, 0.2...0.6, 0.025...0.12),
    ]
}

/// Relative errors of T5's embedding and of the transformer's prediction when only the GEMMs compute in a lower
/// precision: about half to twice what was measured. The ranges of bfloat16 and int8 do not meet.
struct Rounding: Sendable, CustomTestStringConvertible {
    let weights: WeightEncoding
    let compute: ComputePrecision
    let t5, transformer: ClosedRange<Double>

    var testDescription: String { "weights \(weights.rawValue), compute \(compute)" }

    static let all = [
        Rounding(weights: .int8, compute: .bfloat16, t5: 0.0055...0.021, transformer: 0.001...0.0038),
        Rounding(weights: .int8, compute: .int8, t5: 0.022...0.06, transformer: 0.004...0.012),
        Rounding(weights: .int4, compute: .bfloat16, t5: 0.008...0.032, transformer: 0.0012...0.0044),
        Rounding(weights: .int4, compute: .int8, t5: 0.034...0.1, transformer: 0.0046...0.0135),
    ]
}

/// T5, transformer and decoder in every precision, on every instruction set of this processor, against the reference's
/// float32.
@Suite struct NetworkPrecisionTests {
    private func encoder(
        _ golden: NetworkGolden, _ weights: WeightEncoding?, _ compute: ComputePrecision, streamed: Bool = false,
        _ pool: ThreadPool
    ) throws -> T5Encoder {
        let reader = WeightReader(WeightLoading(golden.source, as: weights, pool))
        return try T5Encoder(.golden, compute: compute, streamed: streamed, reader)
    }

    private func ids(_ golden: NetworkGolden) throws -> [Int32] { try golden["ids"].floats.map { Int32($0) } }

    @Test(arguments: Kernels.available, Setting.all)
    func t5(_ instructions: String, _ setting: Setting) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try NetworkGolden("t5")
        let output = try encoder(golden, setting.weights, setting.compute, pool)(ids(golden), pool)
        let error = relativeError(output.elements, try golden["output"].floats)
        #expect(setting.t5.contains(error), "\(error)")
    }

    @Test(arguments: Kernels.available, Setting.all)
    func transformer(_ instructions: String, _ setting: Setting) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        for (name, hasSizes) in [("transformer", false), ("transformer-sizes", true)] {
            let golden = try NetworkGolden(name)
            let output = try predict(golden, hasSizes: hasSizes, setting.weights, setting.compute, pool)
            let error = relativeError(output, try golden["output"].floats)
            #expect(setting.transformer.contains(error), "\(name): \(error)")
        }
    }

    private func predict(
        _ golden: NetworkGolden, hasSizes: Bool, _ weights: WeightEncoding?, _ compute: ComputePrecision,
        _ pool: ThreadPool
    ) throws -> [Float] {
        let reader = WeightReader(WeightLoading(golden.source, as: weights, pool))
        let transformer = try PixArtTransformer(.golden(hasSizes: hasSizes), compute: compute, reader)
        let latents = try golden["latents"]
        let segments = try ["negative", "prompt"].map {
            PixArtTransformer.BatchSegment(try transformer.prompt(golden.matrix($0), pool), items: 1)
        }
        let workspace = try transformer.workspace(
            for: LatentShape(latents)!, size: (latents.shape[2] * 8, latents.shape[3] * 8), pool)
        return try transformer(Latents(latents), timestep: 730, segments, workspace, pool).values
    }

    /// The rounding of activations: what a lower precision of the GEMMs changes with the same weights.
    @Test(arguments: Kernels.available, Rounding.all)
    func roundingOfActivations(_ instructions: String, _ rounding: Rounding) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let (t5, transformer) = (try NetworkGolden("t5"), try NetworkGolden("transformer"))
        let embeddings = try [rounding.compute, .float32].map {
            try encoder(t5, rounding.weights, $0, pool)(ids(t5), pool).elements
        }
        let predictions = try [rounding.compute, .float32].map {
            try predict(transformer, hasSizes: false, rounding.weights, $0, pool)
        }
        let errors = (relativeError(embeddings[0], embeddings[1]), relativeError(predictions[0], predictions[1]))
        #expect(rounding.t5.contains(errors.0), "\(errors.0)")
        #expect(rounding.transformer.contains(errors.1), "\(errors.1)")
    }

    /// A decoder computes in float32. Only its weights are rounded.
    @Test(arguments: Kernels.available, ["vae", "vae-plain"])
    func vaeWithBfloat16Weights(_ instructions: String, _ name: String) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try NetworkGolden(name)
        let reader = WeightReader(WeightLoading(golden.source, as: .bfloat16, pool))
        let image = try VAEDecoder(.golden(isWhole: name == "vae"), reader)(golden.map("latents"), pool)
        let error = relativeError(planar(image), try golden["image"].floats)
        #expect((0.0015...0.008).contains(error), "\(error)")
    }

    // MARK: Precision of GEMMs

    /// Multiplications and additions of GEMMs since `before`, by their precision.
    private func gemmWork(_ pool: ThreadPool, since before: [Profile.Kind: Profile.Entry] = [:]) -> [ComputePrecision:
        Int]
    {
        let kinds: [ComputePrecision: Profile.Kind] = [
            .float32: .gemmFloat32, .bfloat16: .gemmBfloat16, .int8: .gemmInt8,
        ]
        return kinds.mapValues { Int((pool.profile.entries[$0]?.work ?? 0) - (before[$0]?.work ?? 0)) }
    }

    /// All of T5 computes in the requested precision, except `wo`, which never computes in int8.
    @Test(arguments: Kernels.available, ComputePrecision.allCases)
    func t5GEMMs(_ instructions: String, _ compute: ComputePrecision) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try NetworkGolden("t5")
        let encoder = try encoder(golden, .int4, compute, pool)
        let ids = try ids(golden)
        _ = try encoder(ids, pool)
        let down = 2 * ids.count * 3 * (24 * 40)
        let others = 2 * ids.count * 3 * (4 * 24 * 24 + 2 * 24 * 40)
        var expected: [ComputePrecision: Int] = [.float32: 0, .bfloat16: 0, .int8: 0]
        expected[compute]! += others
        expected[compute == .int8 ? .bfloat16 : compute]! += down
        #expect(gemmWork(pool) == expected)
    }

    /// Blocks compute in the requested precision, the prompt's keys and values in bfloat16 or higher, and the
    /// layers around the blocks in float32.
    @Test(arguments: Kernels.available, ComputePrecision.allCases)
    func transformerGEMMs(_ instructions: String, _ compute: ComputePrecision) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try NetworkGolden("transformer")
        let reader = WeightReader(WeightLoading(golden.source, as: .int4, pool))
        let transformer = try PixArtTransformer(.golden(hasSizes: false), compute: compute, reader)
        let prompt = try transformer.prompt(golden.matrix("prompt"), pool)
        let keysAndValues = 2 * 9 * 2 * (2 * 24 * 24)
        let caption = 2 * 9 * (20 * 24 + 24 * 24)
        var expected: [ComputePrecision: Int] = [.float32: caption, .bfloat16: 0, .int8: 0]
        expected[compute == .int8 ? .bfloat16 : compute]! += keysAndValues
        #expect(gemmWork(pool) == expected)

        let before = pool.profile.entries
        let shape = LatentShape(images: 1, channels: 4, height: 6, width: 10)
        let workspace = try transformer.workspace(for: shape, size: (48, 80), pool)
        let latents = Latents(shape, Array(try golden["latents"].floats[..<shape.count]))
        _ = try transformer(latents, timestep: 730, [.init(prompt, items: 1)], workspace, pool)
        let blocks = 2 * 15 * 2 * (14 * 24 * 24)
        let surroundings = 2 * (256 * 24 + 24 * 24 + 24 * 144) + 2 * 15 * (16 * 24 + 24 * 32)
        expected = [.float32: surroundings, .bfloat16: 0, .int8: 0]
        expected[compute]! += blocks
        #expect(gemmWork(pool, since: before) == expected)
    }

    // MARK: Residency

    private static let streamable: [(WeightEncoding?, ComputePrecision)] = [(nil, .float32), (.int8, .int8)]

    /// An encoder that holds one layer at a time computes the same numbers, repeatedly.
    @Test(arguments: Kernels.available, streamable)
    func streamedEqualsResident(_ instructions: String, _ precision: (WeightEncoding?, ComputePrecision)) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try NetworkGolden("t5")
        let ids = try ids(golden)
        let resident = try encoder(golden, precision.0, precision.1, pool)
        let streamed = try encoder(golden, precision.0, precision.1, streamed: true, pool)
        for ids in [ids, [ids[3]], ids] {
            var layers: [[Float]] = []
            let expected = try resident(ids, pool) { layers.append($0.elements) }
            var streamedLayers: [[Float]] = []
            let output = try streamed(ids, pool) { streamedLayers.append($0.elements) }
            #expect(output.elements == expected.elements)
            #expect(layers.count == 3 && streamedLayers == layers)
        }
    }

    /// Two threads in one streamed encoder, synchronized after every layer, get the same as alone.
    @Test(arguments: streamable)
    func streamedByTwoThreads(_ precision: (WeightEncoding?, ComputePrecision)) throws {
        let pool = try ThreadPool(threads: 2)
        let golden = try NetworkGolden("t5")
        let ids = try ids(golden)
        let prompts = [ids, Array(ids[..<5])]
        let encoder = try encoder(golden, precision.0, precision.1, streamed: true, pool)
        let resident = try self.encoder(golden, precision.0, precision.1, pool)
        let expected = try prompts.map { try resident($0, pool).elements }
        let outputs = Mutex<[Int: [Float]]>([:])
        let meetings = Mutex(0)
        let here = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let ended = DispatchGroup()
        for number in 0..<2 {
            ended.enter()
            Thread {
                defer { ended.leave() }
                let output = try? encoder(prompts[number], pool) { _ in
                    here[1 - number].signal()
                    if here[number].wait(timeout: .now() + 10) == .success { meetings.withLock { $0 += 1 } }
                }
                outputs.withLock { $0[number] = output?.elements }
            }.start()
        }
        ended.wait()
        #expect(meetings.withLock { $0 } == 2 * 3)
        #expect(outputs.withLock { $0 } == [0: expected[0], 1: expected[1]])
    }

    // MARK: Policies

    /// The encoding of every matrix and table of a network if `requested` is asked for.
    private func plan(_ name: String, _ requested: WeightEncoding?) throws -> [String: WeightEncoding] {
        let source = try NetworkGolden(name).source
        let reader = WeightReader(WeightLoading(source, as: requested))
        if name == "t5" {
            _ = try T5Encoder(.golden, reader)
        } else {
            _ = try PixArtTransformer(.golden(hasSizes: name == "transformer-sizes"), reader)
        }
        // Vectors, and the small tables that are read as vectors, stay as stored: float32.
        let vectors = try reader.plannedEncodings.filter { name, _ in
            let name = name.text
            return try source[name]!.shape.count < 2 || name.hasSuffix("table")
                || name.contains("relative_attention_bias")
        }
        #expect(!vectors.isEmpty && vectors.values.allSatisfy { $0 == .float32 })
        let matrices = reader.plannedEncodings.filter { vectors[$0.key] == nil }
        return Dictionary(uniqueKeysWithValues: matrices.map { ($0.key.text, $0.value) })
    }

    /// T5's `wo` is int8 or wider. Its token table, whose rows are looked up, stays as stored.
    @Test(arguments: [WeightEncoding.float32, .bfloat16, .int8, .int4])
    func t5Plan(_ requested: WeightEncoding) throws {
        let plan = try plan("t5", requested)
        var expected: [String: WeightEncoding] = [
            "shared.weight": .float32
        ]
        for layer in 0..<3 {
            let block = "encoder.block.\(layer).layer"
            for part in ["q", "k", "v", "o"] { expected["\(block).0.SelfAttention.\(part).weight"] = requested }
            for part in ["wi_0", "wi_1"] { expected["\(block).1.DenseReluDense.\(part).weight"] = requested }
            expected["\(block).1.DenseReluDense.wo.weight"] = requested == .int4 ? .int8 : requested
        }
        #expect(plan == expected)
    }

    /// Cross-attention's keys and values are int8 or wider, the caption projection bfloat16, and the embeddings of
    /// patches, timestep and size, the modulation and the final layer float32.
    @Test(arguments: ["transformer", "transformer-sizes"], [WeightEncoding.float32, .bfloat16, .int8, .int4])
    func transformerPlan(_ name: String, _ requested: WeightEncoding) throws {
        let plan = try plan(name, requested)
        var expected: [String: WeightEncoding] = [
            "pos_embed.proj.weight": .float32, "adaln_single.linear.weight": .float32, "proj_out.weight": .float32,
        ]
        let sizes = name == "transformer" ? [] : ["resolution_embedder", "aspect_ratio_embedder"]
        for embedder in ["timestep_embedder"] + sizes {
            for layer in 1...2 { expected["adaln_single.emb.\(embedder).linear_\(layer).weight"] = .float32 }
        }
        for layer in 1...2 {
            expected["caption_projection.linear_\(layer).weight"] = requested == .float32 ? .float32 : .bfloat16
        }
        for block in 0..<2 {
            for part in ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "attn2.to_out.0"] {
                expected["transformer_blocks.\(block).\(part).weight"] = requested
            }
            for part in ["attn2.to_k", "attn2.to_v"] {
                expected["transformer_blocks.\(block).\(part).weight"] = requested == .int4 ? .int8 : requested
            }
            for part in ["ff.net.0.proj", "ff.net.2"] {
                expected["transformer_blocks.\(block).\(part).weight"] = requested
            }
        }
        #expect(plan == expected)
    }

    /// Without a request, everything stays as stored: float32.
    @Test(arguments: ["t5", "transformer", "transformer-sizes"])
    func planOfStoredWeights(_ name: String) throws {
        let plan = try plan(name, nil)
        #expect(!plan.isEmpty && plan.values.allSatisfy { $0 == .float32 })
    }
}
