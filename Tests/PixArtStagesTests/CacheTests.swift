import CPixArt
import Foundation
import PixArtCompute
import PixArtFormats
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

/// Runs whose steps take results of earlier ones. The transformer has four blocks.
@Suite struct CacheTests {
    private static let blocks = 4
    private let model = try! ControlModel()

    /// A schedule whose modules are computed as `computes` says of step, block and name.
    private static func schedule(
        steps: Int, blocks: Int = blocks, _ computes: (_ step: Int, _ block: Int, _ name: String) -> Bool
    ) -> String {
        let rows = (0..<steps).map { step in
            let row = (0..<blocks).map { block in
                let modules = ["attn1", "attn2", "ff"].map { "\"\($0)\": \(computes(step, block, $0))" }
                return "\"\(block)\": {\(modules.joined(separator: ", "))}"
            }
            return "\"\(String(format: "%03d", step))\": {\(row.joined(separator: ", "))}"
        }
        return "{\"schedule\": {\(rows.joined(separator: ", "))}}"
    }

    /// Half of the modules of five steps.
    private static let half = schedule(steps: 5) { step, block, name in (step + block + name.count) % 2 == 0 }
    /// One of each kind, for runs of five steps.
    private static let caches = [
        "\"half\"", #"{"blocks": [0, 2], "steps": [3]}"#, half,
        #"{"steps": [2], "prompt_steps": [1, 3]}"#,
    ]

    private func options(_ cache: String?, _ others: String = "") -> String {
        (cache.map { ", \"cache\": \($0)" } ?? "") + others
    }

    private func states(_ denoiser: Denoiser, _ cache: String?, _ others: String = "") throws -> [[Float]] {
        try model.sampler(denoiser, options(cache, others)).states()
    }

    // MARK: Results

    /// A cache that reuses nothing is no cache, to the bit.
    @Test(arguments: [#"{"interval": 1}"#, #"{"steps": [0, 1, 2, 3, 4]}"#, schedule(steps: 5) { _, _, _ in true }])
    func nothingReused(_ cache: String) throws {
        let denoiser = try model.denoiser()
        #expect(try states(denoiser, cache) == states(denoiser, nil))
    }

    /// Steps are those of the plain run until one takes results.
    @Test(arguments: ["\"third\"", caches[1], caches[2]])
    func reuse(_ cache: String) throws {
        let denoiser = try model.denoiser()
        let (plain, cached) = (try states(denoiser, nil), try states(denoiser, cache))
        #expect(relativeError(cached[0], plain[0]) < 1e-6)
        for step in 1..<5 { #expect(relativeError(cached[step], plain[step]) > 1e-5, "step \(step)") }
        #expect(try states(denoiser, cache) == cached)
    }

    /// A table that computes whole steps is the residual of all blocks, but for the new gates.
    @Test func forms() throws {
        let denoiser = try model.denoiser()
        let all = try states(denoiser, #"{"blocks": [0, 3], "steps": [2]}"#)
        let listed = try states(denoiser, #"{"blocks": [0, 3], "interval": 2}"#)
        #expect(all == listed)
        let table = try states(denoiser, Self.schedule(steps: 5) { step, _, _ in step % 2 == 0 })
        #expect(relativeError(table[0], all[0]) < 1e-6)
        #expect((1e-4...0.5).contains(relativeError(table[1], all[1])))
    }

    /// Presets keep the first and the last block, and compute their share of the steps of every run: the steps of a search
    /// in one of 20 from noise.
    @Test(arguments: [
        (
            "half", 20,
            #""steps": [3, 5, 7, 9, 10, 12, 14, 16, 18], "prompt_steps": [17], "guidance_start": 3"#
        ),
        ("third", 20, #""steps": [4, 9, 12, 16], "prompt_steps": [14, 18], "guidance_start": 4"#),
        ("half", 19, #""interval": 2"#), ("third", 21, #""interval": 4"#), ("half", 7, #""steps": [2, 4]"#),
        ("third", 9, #""steps": [4]"#), ("third", 1, #""steps": []"#),
    ])
    func presets(_ name: String, _ steps: Int, _ spelled: String) throws {
        let denoiser = try model.denoiser()
        func last(_ cache: String) throws -> [Float]? {
            try model.sampler(denoiser, options(cache), steps: steps).states().last
        }
        let named = try last("\"\(name)\"")
        #expect(try named == last("{\"blocks\": [1, 2], \(spelled)}"))
        #expect(try named == last("{\"preset\": \"\(name)\"}"))
    }

    /// A run from an image takes no steps of the search, even if there are 20.
    @Test func presetFromImage() throws {
        let denoiser = try model.denoiser()
        func states(_ cache: String) throws -> [[Float]] {
            let sampler = try model.sampler(denoiser, options(cache, #", "strength": 0.8"#), steps: 25)
            try sampler.setImage(model["hints"])
            return try sampler.states()
        }
        let named = try states("\"half\"")
        #expect(try named.count == 20 && named == states(#"{"interval": 2}"#))
    }

    // MARK: Steps that compute the prompt's prediction

    /// A negative prompt that is the prompt follows it exactly, so such a step is like one that computes everything.
    @Test(arguments: [false, true])
    func following(_ isControlled: Bool) throws {
        let denoiser = try isControlled ? model.controlled() : model.denoiser()
        func states(_ cache: String, same: Bool) throws -> [[Float]] {
            let sampler = try model.sampler(denoiser, options(cache), negativeIsPrompt: same)
            if isControlled { try sampler.setControl(model["hints"]) }
            return try sampler.states()
        }
        let listed = #"{"blocks": [1, 2], "steps": [2, 3]}"#
        let followed = #"{"blocks": [1, 2], "steps": [2], "prompt_steps": [3]}"#
        for (a, b) in zip(try states(listed, same: true), try states(followed, same: true)) {
            #expect(relativeError(a, b) < 1e-5)
        }
        let (all, prompt) = (try states(listed, same: false), try states(followed, same: false))
        for step in 0..<3 { #expect(relativeError(all[step], prompt[step]) < 1e-5) }
        #expect(relativeError(all[3], prompt[3]) > 1e-5)
    }

    /// Without other predictions, a step of the prompt is one of all.
    @Test func promptAlone() throws {
        let denoiser = try model.denoiser()
        let plain = #", "guidance_interval": [0, 0]"#
        let prompt = try states(denoiser, #"{"steps": [], "prompt_steps": [2, 3]}"#, plain)
        #expect(try prompt == states(denoiser, #"{"steps": [2, 3]}"#, plain))
        #expect(try prompt != states(denoiser, #"{"steps": [2]}"#, plain))
    }

    /// The start of guidance is that of an interval, of which the later one holds. The step that guidance starts in
    /// computes everything.
    @Test func guidanceStart() throws {
        let denoiser = try model.denoiser()
        let started = try states(denoiser, #"{"steps": [], "guidance_start": 2}"#)
        #expect(try started == states(denoiser, #"{"steps": [2]}"#, #", "guidance_interval": [0.4, 1]"#))
        #expect(
            try started
                == states(denoiser, #"{"steps": [], "guidance_start": 2}"#, #", "guidance_interval": [0.2, 1]"#))
        #expect(try started != states(denoiser, #"{"steps": [2]}"#))
        // Guidance that ends before it starts.
        _ = try states(denoiser, #"{"steps": [], "guidance_start": 4}"#, #", "guidance_interval": [0, 0.4]"#)
    }

    /// A step of the prompt counts the blocks that its predictions compute: four of one item, then one of the other.
    @Test func progressOfParts() throws {
        let sampler = try model.sampler(model.denoiser(), options(#"{"steps": [], "prompt_steps": [2]}"#))
        var spans: [Double] = []
        for _ in 0..<5 {
            try CallProgress.run({ _, _, fraction in
                if fraction != spans.last { spans.append(fraction) }
                return true
            }) { try sampler.step() }
        }
        #expect(spans == spans.sorted())
        // Two predictions of four, two, half of each, two and four blocks.
        let total = Double(8 + 4 + 4 + 2 + 4 + 8)
        #expect([8, 12, 16, 18, 22, 30].allSatisfy { work in spans.contains { abs($0 - work / total) < 1e-12 } })
    }

    @Test func perturbedItemsFollow() throws {
        let denoiser = try model.denoiser()
        let others = #", "pag_scale": 1, "pag_applied_layers": [1]"#
        let (listed, followed, reused) = (
            try states(denoiser, #"{"steps": [2, 3]}"#, others),
            try states(denoiser, #"{"steps": [2], "prompt_steps": [3]}"#, others),
            try states(denoiser, #"{"steps": [2]}"#, others)
        )
        #expect(relativeError(followed[3], listed[3]) < relativeError(reused[3], listed[3]))
        #expect(followed.allSatisfy { $0.allSatisfy(\.isFinite) })
    }

    /// A table computes all of the first step, whatever it says.
    @Test func firstStep() throws {
        let denoiser = try model.denoiser()
        let table = Self.schedule(steps: 5) { step, _, _ in step > 1 }
        let whole = Self.schedule(steps: 5) { step, _, _ in step != 1 }
        #expect(try states(denoiser, table) == states(denoiser, whole))
    }

    @Test(arguments: ["0-1", "1-2", "2-2", "1-3"])
    func controlNet(_ range: String) throws {
        let blocks = range.split(separator: "-").joined(separator: ", ")
        let sampler = try model.sampler(
            model.controlled(),
            options(
                "{\"blocks\": [\(blocks)], \"steps\": [4]}",
                """
                , "controlnet_conditioning_scale": 0.7, "control_guidance_start": 0.25, "control_guidance_end": 0.75
                """), steps: 8)
        try sampler.setControl(model["hints"])
        let expected = try model["cached.\(range)"].floats
        let count = expected.count / 8
        for (step, latents) in try sampler.states().enumerated() {
            #expect(relativeError(latents, Array(expected[step * count..<(step + 1) * count])) < 1e-5, "step \(step)")
        }
    }

    /// The negative prompt joins in step 2, which is then computed. Perturbed items leave after step 1.
    @Test(arguments: [
        (#", "guidance_interval": [0.4, 0.9]"#, [2]),
        (#", "pag_scale": 1, "pag_adaptive_scale": 0.002, "pag_applied_layers": [1]"#, []),
    ])
    func changingItems(_ others: String, _ computed: [Int]) throws {
        let denoiser = try model.denoiser()
        let cached = try states(denoiser, #"{"steps": [0]}"#, others)
        #expect(try cached == states(denoiser, "{\"steps\": \(computed)}", others))
        #expect(try cached != states(denoiser, nil, others))
        #expect(cached.allSatisfy { $0.allSatisfy(\.isFinite) })
    }

    /// Each image of a batch is that of a run of its own.
    @Test(arguments: caches)
    func batches(_ cache: String) throws {
        let denoiser = try model.denoiser()
        let both = try #require(try states(denoiser, cache).last)
        let noise = try model["latents"].floats
        for (index, half) in [both[..<(both.count / 2)], both[(both.count / 2)...]].enumerated() {
            let sampler = try model.sampler(denoiser, options(cache), images: 1)
            let own = Array(noise[index * half.count..<(index + 1) * half.count])
            try sampler.setLatents(Tensor(shape: [1, 4, 6, 10], elements: own))
            #expect(relativeError(try #require(try sampler.states().last), Array(half)) < 1e-5)
        }
    }

    // MARK: Steps

    /// A step that was cancelled in any part can be run again, and a run can be repeated.
    @Test(arguments: caches, [false, true])
    func cancelAndRepeat(_ cache: String, _ isControlled: Bool) throws {
        let denoiser = try isControlled ? model.controlled() : model.denoiser()
        func sampler() throws -> Sampler {
            let sampler = try model.sampler(denoiser, options(cache))
            if isControlled { try sampler.setControl(model["hints"]) }
            return sampler
        }
        let expected = try sampler().states()
        let run = try sampler()
        var begin = 0.0
        for step in 0..<5 {
            // Parts of the step, as a plain run of it reports them.
            var parts: [Double] = []
            let probe = try sampler()
            for _ in 0..<step { try probe.step() }
            try CallProgress.run({ _, _, fraction in
                parts.append(fraction)
                return true
            }) { try probe.step() }
            #expect(parts == parts.sorted() && parts[0] == begin)
            begin = try #require(parts.last)
            for part in Set(parts).sorted() {
                expectFailure(PIXART_CANCELLED) {
                    try CallProgress.run({ _, _, fraction in fraction < part }) { try run.step() }
                }
            }
            #expect(run.stepIndex == step)
            try run.step()
            #expect(try run.latents().floats == expected[step], "step \(step)")
        }
        #expect(begin == 1)
    }

    /// A run counts every block that is computed, once, and no other.
    @Test func progress() throws {
        let sampler = try model.sampler(model.denoiser(), options(#"{"blocks": [1, 3], "steps": [3]}"#))
        var fractions: [Double] = []
        try CallProgress.run({ _, _, fraction in
            if fraction != fractions.last { fractions.append(fraction) }
            return true
        }) { while sampler.stepIndex < sampler.steps { try sampler.step() } }
        // Steps 0, 3 and 4 compute four blocks, and the others one.
        #expect(fractions.count == 15)
        for (done, fraction) in fractions.enumerated() { #expect(abs(fraction - Double(done) / 14) < 1e-12) }
    }

    /// A profile counts the products of the blocks and modules that are computed, and no others.
    @Test func profile() throws {
        let denoiser = try model.denoiser()
        func work(_ cache: String?) throws -> Double {
            let sampler = try model.sampler(denoiser, options(cache))
            let before = denoiser.profile.entries[.gemmFloat32]?.work ?? 0
            _ = try sampler.states()
            return (denoiser.profile.entries[.gemmFloat32]?.work ?? 0) - before
        }
        let (rows, square) = (4.0 * 15, 2.0 * 24 * 24)
        let (full, block) = (try work(nil), rows * square * (4 + 2 + 8))
        #expect(try full - work(#"{"steps": [2]}"#) == 2 * 2 * block)
        #expect(try full - work(#"{"blocks": [3, 3], "steps": []}"#) == 3 * block)
        for (name, share) in [("attn1", 4.0), ("attn2", 2), ("ff", 8)] {
            let cache = Self.schedule(steps: 5) { step, block, module in step != 2 || block != 1 || module != name }
            #expect(try full - work(cache) == rows * square * share, "\(name)")
        }
    }

    /// A step is one evaluation: Heun's method has two for each step but the last.
    @Test func secondOrder() throws {
        let denoiser = try model.denoiser()
        func states(_ cache: String) throws -> [[Float]] {
            try model.sampler(denoiser, options(cache), steps: 3, scheduler: "\"HeunDiscrete\"").states()
        }
        let cached = try states(#"{"interval": 2}"#)
        #expect(try cached == states(#"{"steps": [2]}"#) && cached.count == 5)
        #expect(try cached != states(#"{"steps": [1, 2, 3]}"#))
        expectFailure(PIXART_ERROR_OPTION, "step 5", "from 0 to 4 of the run") { _ = try states(#"{"steps": [5]}"#) }
        expectFailure(PIXART_ERROR_OPTION, "3 steps in \"schedule\"", "expected 5") {
            _ = try states(Self.schedule(steps: 3) { _, _, _ in true })
        }
    }

    /// A run from an image numbers its own steps, and takes the rows of a table that belong to its timesteps.
    @Test func imageToImage() throws {
        let denoiser = try model.denoiser()
        func states(_ cache: String?) throws -> [[Float]] {
            let sampler = try model.sampler(denoiser, options(cache, #", "strength": 0.6"#))
            try sampler.setImage(model["hints"])
            return try sampler.states()
        }
        let plain = try states(nil)
        let listed = try states(#"{"blocks": [0, 3], "steps": []}"#)
        #expect(plain.count == 3 && listed[0] == plain[0] && listed[1] != plain[1])
        expectFailure(PIXART_ERROR_OPTION, "step 3", "from 0 to 2 of the run") { _ = try states(#"{"steps": [3]}"#) }
        #expect(try states(Self.schedule(steps: 5) { step, _, _ in step > 2 }) == plain)
        #expect(try states(Self.schedule(steps: 5) { step, _, _ in step < 3 }) != plain)
        expectFailure(PIXART_ERROR_OPTION, "3 steps in \"schedule\"", "expected 5") {
            _ = try states(Self.schedule(steps: 3) { _, _, _ in true })
        }
    }

    // MARK: Forms of networks

    @Test(arguments: caches, ["bfloat16", "int8"])
    func precisions(_ cache: String, _ precision: String) throws {
        let exact = try #require(try states(model.denoiser(), cache).last)
        let options = ", \"weights\": \"\(precision)\", \"compute\": \"\(precision)\""
        let rounded = try #require(try states(model.denoiser(options), cache).last)
        #expect((1e-4...0.1).contains(relativeError(rounded, exact)), "\(relativeError(rounded, exact))")
    }

    /// Adapters that are multiplied beside the weights change a cached run as merged ones do.
    @Test(arguments: [
        #"{"blocks": [0, 1], "interval": 2}"#, schedule(steps: 4, blocks: 2) { step, _, _ in step % 2 == 0 },
    ])
    func adapters(_ cache: String) throws {
        let tiny = try TinyTransformer()
        let path = try tiny.lora("style")
        func run(_ fuses: Bool, _ scale: Double) throws -> [Float] {
            let adapters = "[{\"path\": \"\(path)\", \"scale\": \(scale)}]"
            let denoiser = try Denoiser(
                model: tiny.folder.path,
                DenoiserOpenOptions(json: "{\"threads\": 2, \"adapters\": \(adapters), \"fuse_adapters\": \(fuses)}"))
            let options = """
                {"num_inference_steps": 4, "guidance_scale": 1, "height": 32, "width": 32, "cache": \(cache)}
                """
            return try denoiser.denoise(prompt: tiny.embedding(), negative: nil, DenoiseOptions(json: options)).floats
        }
        let merged = try run(true, 1)
        #expect(try relativeError(run(false, 1), merged) < 2e-6)
        #expect(try relativeError(run(false, 0.5), merged) > 0.01)
    }

    /// Memory is that of the results that are kept: float32 residuals, and outputs as attention has them.
    @Test(arguments: ["float32", "bfloat16"])
    func memory(_ compute: String) throws {
        let (open, size) = (
            "\"threads\": 2, \"compute\": \"\(compute)\"",
            "\"height\": 48, \"width\": 80, \"use_resolution_binning\": false"
        )
        func activations(_ cache: String?, isControlled: Bool = false) throws -> Int {
            let control = isControlled ? ", \"controlnet\": \"\(model.folder.path)\"" : ""
            let members = "\(size)\(options(cache))"
            let denoiser = try Denoiser(
                model: model.folder.path, DenoiserOpenOptions(json: "{\(open)\(control)}"))
            let opened = try denoiser.memory(DenoiserMemoryOptions(json: "{\(members)}")).activations
            let estimate = try Estimate.report(
                model: model.folder.path, MemoryEstimateOptions(json: "{\(open), \(members)\(control)}"))
            #expect(estimate.activations == opened)
            return opened
        }
        let result = 2 * 15 * 24
        let plain = try activations(nil)
        #expect(try activations("\"half\"") - plain == 4 * result)
        // Two modules of one block are reused, though not in the same step.
        let table = Self.schedule(steps: 5) { step, block, name in
            block != 1 || (step, name) != (2, "attn2") && (step, name) != (4, "ff")
        }
        let encoding = try ThreadPool(threads: 2).encoding(for: compute == "float32" ? .float32 : .bfloat16)
        #expect(try activations(table) - plain == 2 * encoding.size * result)
        // A ControlNet of three copies goes on after block 2.
        let controlled = try activations(nil, isControlled: true)
        #expect(try activations(#"{"blocks": [1, 2], "interval": 2}"#, isControlled: true) - controlled == 8 * result)
        #expect(try activations(#"{"blocks": [1, 3], "interval": 2}"#, isControlled: true) - controlled == 4 * result)
    }

    // MARK: Failures

    private static let refused: [(cache: String, parts: [String])] = [
        ("1", ["option \"cache\" is 1", "\"half\"", "\"third\"", "\"schedule\""]),
        ("\"fast\"", ["option \"cache\" is \"fast\""]),
        ("[]", ["option \"cache\" is []"]),
        ("{}", ["none of \"steps\", \"interval\" and \"preset\"", "one of them"]),
        (#"{"interval": 2, "steps": [1]}"#, ["\"steps\" and \"interval\"", "one of them"]),
        (#"{"preset": "half", "interval": 2}"#, ["\"interval\" and \"preset\"", "one of them"]),
        (#"{"preset": "quarter"}"#, ["\"preset\" \"quarter\"", "\"half\" or \"third\""]),
        (#"{"preset": 2}"#, ["\"preset\" 2"]),
        (#"{"steps": [], "prompt_steps": [-1]}"#, ["\"prompt_steps\" [-1]", "from 0 on"]),
        (#"{"steps": [], "guidance_start": 0.15}"#, ["\"guidance_start\" 0.15", "a step, from 0 on"]),
        (#"{"interval": 2, "prompt_steps": [1]}"#, ["\"prompt_steps\" without \"steps\""]),
        (#"{"preset": "half", "guidance_start": 1}"#, ["\"guidance_start\" without \"steps\""]),
        (#"{"interval": 0}"#, ["\"interval\" 0", "from 1 to 100000"]),
        (#"{"interval": 2.0}"#, ["\"interval\" 2.0"]),
        (#"{"steps": [1, -1]}"#, ["\"steps\" [1,-1]", "from 0 on"]),
        (#"{"steps": 3}"#, ["\"steps\" 3", "an array of steps"]),
        (#"{"steps": ["1"]}"#, ["\"steps\" [\"1\"]"]),
        (
            #"{"stepz": [1]}"#,
            [
                "key \"stepz\"",
                "\"blocks\", \"steps\", \"prompt_steps\", \"guidance_start\", \"interval\", \"preset\", "
                    + "\"minimum_steps\", \"schedule\"",
            ]
        ),
        (#"{"blocks": [2, 1], "interval": 2}"#, ["\"blocks\" [2,1]", "do not fall"]),
        (#"{"blocks": [-1, 1], "interval": 2}"#, ["\"blocks\" [-1,1]"]),
        (#"{"blocks": [1], "interval": 2}"#, ["\"blocks\" [1]"]),
        (#"{"blocks": [1, "2"], "interval": 2}"#, ["\"blocks\" [1,\"2\"]"]),
        (#"{"blocks": "all", "interval": 2}"#, ["\"blocks\" \"all\""]),
        (#"{"schedule": {}}"#, ["an empty object as \"schedule\"", "for each step"]),
        (#"{"schedule": []}"#, ["an array as \"schedule\""]),
        (#"{"schedule": {"000": {}}, "interval": 2}"#, ["\"schedule\" with other keys"]),
        (#"{"schedule": {"000": {}}}"#, ["an empty object as step 0 of \"schedule\"", "for each block"]),
        (#"{"schedule": {"first": {}}}"#, ["the step \"first\" in \"schedule\""]),
        (#"{"schedule": {"1": {}, "001": {}}}"#, ["the step \"", "each once"]),
        (#"{"schedule": {"001": {}}}"#, ["no step 0 in \"schedule\"", "all from 0 to 1"]),
        (#"{"schedule": {"000": {"1": {}}}}"#, ["no block 0 in step 0 of \"schedule\""]),
        (#"{"schedule": {"000": {"0": true}}}"#, ["a boolean as block 0 of step 0 of \"schedule\""]),
        (
            #"{"schedule": {"000": {"0": {"attn1": true, "attn2": true}}}}"#,
            ["nothing as \"ff\" in block 0 of step 0 of \"schedule\""]
        ),
        (
            #"{"schedule": {"000": {"0": {"attn1": true, "attn2": 1, "ff": true}}}}"#,
            ["1 as \"attn2\" in block 0 of step 0", "true if the step computes the module"]
        ),
        (
            #"{"schedule": {"000": {"0": {"attn1": true, "attn2": true, "ff": true, "mlp": true}}}}"#,
            ["\"mlp\" in block 0 of step 0", "\"attn1\", \"attn2\", \"ff\""]
        ),
    ]

    /// Values that no run takes are refused wherever the option is.
    @Test(arguments: refused.indices)
    func refusedValues(_ index: Int) {
        let (cache, parts) = Self.refused[index]
        for verb in [DenoiseOptions.self, DenoiserMemoryOptions.self, MemoryEstimateOptions.self]
            as [any VerbOptions.Type]
        {
            expectFailure(PIXART_ERROR_OPTION, parts) { _ = try verb.init(json: "{\"cache\": \(cache)}") }
        }
    }

    /// Values that do not fit the checkpoint or the run.
    @Test func refusedRuns() throws {
        let denoiser = try model.denoiser()
        let size = "\"height\": 48, \"width\": 80, \"use_resolution_binning\": false"
        for (cache, parts) in [
            (#"{"blocks": [1, 4], "interval": 2}"#, ["block 4 in \"blocks\"", "from 0 to 3 of the checkpoint"]),
            (Self.schedule(steps: 5, blocks: 3) { _, _, _ in true }, ["3 blocks in \"schedule\"", "expected 4"]),
        ] {
            expectFailure(PIXART_ERROR_OPTION, parts) { _ = try states(denoiser, cache) }
            expectFailure(PIXART_ERROR_OPTION, parts) {
                _ = try denoiser.memory(DenoiserMemoryOptions(json: "{\(size), \"cache\": \(cache)}"))
            }
        }
        expectFailure(PIXART_ERROR_OPTION, "step 5 in \"steps\"", "from 0 to 4 of the run") {
            _ = try states(denoiser, #"{"steps": [1, 5]}"#)
        }
        expectFailure(PIXART_ERROR_OPTION, "step 7 in \"prompt_steps\"", "from 0 to 4 of the run") {
            _ = try states(denoiser, #"{"steps": [1], "prompt_steps": [2, 7]}"#)
        }
        expectFailure(PIXART_ERROR_OPTION, "4 steps in \"schedule\"", "expected 5") {
            _ = try states(denoiser, Self.schedule(steps: 4) { _, _, _ in true })
        }
        let tiny = try TinyTransformer()
        expectFailure(PIXART_ERROR_OPTION, "the first and the last block", "has 2") {
            _ = try Denoiser(model: tiny.folder.path, DenoiserOpenOptions(json: nil)).denoise(
                prompt: tiny.embedding(), negative: nil,
                DenoiseOptions(json: #"{"guidance_scale": 1, "height": 32, "width": 32, "cache": "half"}"#))
        }
    }
}
