import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage
import TestSupport
import Testing

/// Rounding, and nothing else: see docs/numerics.md.
private let tolerance = 2e-6

/// A transformer of four blocks and a ControlNet of three copies, in one file, and predictions of the reference for
/// two images, each under a negative and a prompt.
private struct ControlGolden {
    static let configuration: PixArtTransformer.Configuration = {
        var configuration = PixArtTransformer.Configuration.golden(hasSizes: false)
        configuration.layers = 4
        return configuration
    }()
    static let copies = 3

    let golden: NetworkGolden
    let transformer: PixArtTransformer
    let pool: ThreadPool
    let shape: LatentShape

    /// Without a ControlNet if `copies` is 0.
    init(
        copies: Int = copies, as weights: WeightEncoding? = nil, compute: ComputePrecision = .float32,
        streamed: Bool = false, _ pool: ThreadPool
    ) throws {
        golden = try NetworkGolden("controlnet")
        self.pool = pool
        let plain = try PixArtTransformer(
            Self.configuration, compute: compute, streamed: streamed,
            Self.reader(golden, .transformer, as: weights, pool))
        transformer =
            copies == 0
            ? plain
            : plain.with(
                try ControlNet(
                    copies: copies, of: Self.configuration, Self.reader(golden, .controlNet, as: weights, pool)))
        shape = LatentShape(images: 4, channels: 4, height: 6, width: 10)
    }

    static func reader(
        _ golden: NetworkGolden, _ kind: NetworkKind, as weights: WeightEncoding? = nil, _ pool: ThreadPool? = nil
    ) throws -> WeightReader {
        let source = try #require(try CanonicalWeights(golden.source, kinds: [kind])).source
        return WeightReader(WeightLoading(source, as: weights, pool))
    }

    func workspace() throws -> PixArtTransformer.Workspace {
        try transformer.workspace(for: shape, size: (48, 80), pool)
    }

    /// The hint of the first of the control images, or of all.
    func hint(images: Int, _ workspace: PixArtTransformer.Workspace) throws -> ControlNet.Hint? {
        let hints = try Latents(golden["hints"])
        let some = Latents(
            hints.shape.with(images: images, channels: 4), Array(hints.values[..<(images * hints.shape.item)]))
        return try transformer.hint(some, workspace, pool)
    }

    func predict(
        _ control: ControlNet.Control?, perturbedBlocks: Set<Int> = [], _ workspace: PixArtTransformer.Workspace
    ) throws -> [Float] {
        let segments = try ["negative", "prompt"].map {
            PixArtTransformer.BatchSegment(try transformer.prompt(golden.matrix($0), pool), items: 2)
        }
        return try transformer(
            Latents(golden["latents"]).repeated(2), timestep: 730, segments, control: control, workspace, pool
        ).values
    }

    /// A prediction under so many control images.
    func predict(scale: Float, images: Int = 2) throws -> [Float] {
        let workspace = try workspace()
        return try predict(hint(images: images, workspace).map { .init($0, scale: scale) }, workspace)
    }
}

@Suite struct ControlNetTests {
    private let pool = try! ThreadPool(threads: 2)

    /// The stream after each block and each copy, and the prediction.
    @Test func streams() throws {
        let golden = try ControlGolden(pool)
        let workspace = try golden.workspace()
        let control = try #require(try golden.hint(images: 2, workspace))
        var parts = ["block.0", "added.0", "block.1", "added.1", "block.2", "added.2", "block.3"]
        var (done, output) = (0, [Float]())
        try CallProgress.run({ _, _, share in
            // The host may be asked several times about the same part.
            guard share == Double(done + 1) / 7, !parts.isEmpty else { return true }
            let part = parts.removeFirst()
            let expected = (try? golden.golden[part].floats) ?? []
            #expect(relativeError(workspace.stream.elements, expected) < tolerance, "\(part)")
            done += 1
            return true
        }) {
            output = try golden.predict(.init(control, scale: 0.7), workspace)
        }
        #expect(parts.isEmpty)
        #expect(relativeError(output, try golden.golden["output.0.7"].floats) < tolerance)
    }

    @Test(arguments: Kernels.available, [Float(0), 0.7, 1])
    func scales(_ instructions: String, _ scale: Float) throws {
        let golden = try ControlGolden(ThreadPool(threads: 2, instructions: instructions))
        let output = try golden.predict(scale: scale)
        let scales: [Float] = [0, 0.7, 1]
        for other in scales {
            let error = relativeError(output, try golden.golden["output.\(other)"].floats)
            #expect(other == scale ? error < tolerance : error > 0.01, "\(other): \(error)")
        }
    }

    /// One control image guides all items.
    @Test func oneHint() throws {
        let golden = try ControlGolden(pool)
        let output = try golden.predict(scale: 1, images: 1)
        #expect(relativeError(output, try golden.golden["output.one-hint"].floats) < tolerance)
        #expect(relativeError(output, try golden.golden["output.1.0"].floats) > 0.01)
    }

    /// A scale of 0, and a prediction without control, are those of the transformer alone, to the bit.
    @Test(arguments: ComputePrecision.allCases)
    func withoutControl(_ compute: ComputePrecision) throws {
        let weights: WeightEncoding? = compute == .int8 ? .int8 : nil
        let plain = try ControlGolden(copies: 0, as: weights, compute: compute, pool)
        let expected = try plain.predict(nil, plain.workspace())
        #expect(try plain.hint(images: 2, plain.workspace()) == nil)
        let golden = try ControlGolden(as: weights, compute: compute, pool)
        #expect(try golden.predict(scale: 0) == expected)
        #expect(try golden.predict(nil, golden.workspace()) == expected)
        #expect(try golden.predict(scale: 1) != expected)
    }

    /// Pages of weights that were dropped come back as they were.
    @Test(arguments: ComputePrecision.allCases)
    func streamed(_ compute: ComputePrecision) throws {
        let resident = try ControlGolden(compute: compute, pool).predict(scale: 1)
        let golden = try ControlGolden(compute: compute, streamed: true, pool)
        for _ in 0..<2 { #expect(try golden.predict(scale: 1) == resident) }
    }

    /// Predictions leave nothing behind in their workspace that changes a later one.
    @Test func repeated() throws {
        let golden = try ControlGolden(pool)
        let workspace = try golden.workspace()
        let hint = try #require(try golden.hint(images: 2, workspace))
        let first = try golden.predict(.init(hint, scale: 1), workspace)
        _ = try golden.hint(images: 1, workspace)
        _ = try golden.predict(nil, workspace)
        #expect(try golden.predict(.init(hint, scale: 1), workspace) == first)
    }

    // MARK: Precisions

    @Test(arguments: Kernels.available, Setting.all)
    func precisions(_ instructions: String, _ setting: Setting) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try ControlGolden(as: setting.weights, compute: setting.compute, pool)
        let error = relativeError(try golden.predict(scale: 1), try golden.golden["output.1.0"].floats)
        // Up to seven blocks after one another instead of two.
        let bounds = setting.transformer
        #expect((bounds.lowerBound...4 * bounds.upperBound).contains(error), "\(error)")
    }

    /// Copies are computed as blocks are, what they add in bfloat16 at the lowest, and the hint, once, in float32.
    @Test(arguments: Kernels.available, ComputePrecision.allCases)
    func gemmWork(_ instructions: String, _ compute: ComputePrecision) throws {
        let pool = try ThreadPool(threads: 2, instructions: instructions)
        let golden = try ControlGolden(as: .int4, compute: compute, pool)
        let workspace = try golden.workspace()
        func gemms() -> [ComputePrecision: Int] {
            let kinds: [ComputePrecision: Profile.Kind] = [
                .float32: .gemmFloat32, .bfloat16: .gemmBfloat16, .int8: .gemmInt8,
            ]
            return kinds.mapValues { Int(pool.profile.entries[$0]?.work ?? 0) }
        }
        let hint = try #require(try golden.hint(images: 2, workspace))
        #expect(gemms() == [.float32: 2 * 2 * 15 * (16 * 24 + 24 * 24), .bfloat16: 0, .int8: 0])
        let beforePlain = gemms()
        _ = try golden.predict(nil, workspace)
        let plain = gemms().merging(beforePlain) { $0 - $1 }
        let beforeControlled = gemms()
        _ = try golden.predict(.init(hint, scale: 1), workspace)
        let controlled = gemms().merging(beforeControlled) { $0 - $1 }
        var more = controlled.merging(plain) { $0 - $1 }
        let rows = 4 * 15
        more[compute]! -= 2 * rows * 3 * (14 * 24 * 24)
        more[compute == .int8 ? .bfloat16 : compute]! -= 2 * rows * 3 * (24 * 24)
        #expect(more == [.float32: 0, .bfloat16: 0, .int8: 0])
    }

    @Test func plan() throws {
        let reader = try ControlGolden.reader(NetworkGolden("controlnet"), .controlNet, as: .int4)
        _ = try ControlNet(copies: 3, of: ControlGolden.configuration, reader)
        for (name, encoding) in reader.plannedEncodings where name.text.hasSuffix("weight") {
            let minimum = ["before_proj", "after_proj", "attn2.to_k", "attn2.to_v"]
            #expect(encoding == (minimum.contains { name.text.contains($0) } ? .int8 : .int4), "\(name.text)")
        }
        #expect(reader.ignored.isEmpty)
    }

    // MARK: Memory and files

    @Test func memory() throws {
        func bytes(copies: Int, hints: Int) -> Int {
            PixArtTransformer.activationBytes(
                ControlGolden.configuration, items: 4, latentHeight: 6, latentWidth: 10, prompts: 2, tokens: 9,
                copies: copies, hints: hints, compute: .float32, pool)
        }
        let stream = 4 * 24 * (4 * 15 + 2 * 15)
        let contexts = 2 * 2 * 3 * 9 * 24 * 4
        #expect(bytes(copies: 3, hints: 2) - bytes(copies: 0, hints: 2) == stream + contexts)
        #expect(bytes(copies: 0, hints: 2) == bytes(copies: 0, hints: 0))
    }

    /// Fewer copies than the file has leave tensors, and more lack some.
    @Test(arguments: [(2, "controlnet_blocks.2.after_proj.bias"), (4, "controlnet_blocks.3.")])
    func copiesMustFit(_ copies: Int, _ tensor: String) throws {
        let reader = try ControlGolden.reader(NetworkGolden("controlnet"), .controlNet)
        #expect(
            performing: {
                _ = try ControlNet(copies: copies, of: ControlGolden.configuration, reader)
            }, throws: { ($0 as? PixArtError)?.message.contains(tensor) == true })
    }
}
