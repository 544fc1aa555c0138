import Foundation
import PixArtFormats
import PixArtSchedulers
import PixArtStorage
import TestSupport
import Testing

@Suite struct SchedulerTests {
    /// Latents of each scheduler and each of its fields, after steps of runs of 1, 2, 4, 20 and 50.
    @Test(arguments: try SchedulerGolden.all())
    func stepsEqualTheReference(_ golden: SchedulerGolden) throws {
        #expect(!golden.runs.isEmpty)
        for expected in golden.runs {
            let run = try golden.run(expected.plan)
            let place = "\(golden), \(expected.plan.steps) steps"
            #expect(run.timesteps.count == expected.timesteps.count, "\(place)")
            for (ours, theirs) in zip(run.timesteps, expected.timesteps) {
                #expect(abs(ours - theirs) <= 2e-3, "\(place)")
            }
            for (index, latents) in expected.latents {
                let error = relativeError(run.latents[index], latents)
                #expect(error <= SchedulerGolden.bound, "\(place), \(index): \(error)")
            }
            if let original = expected.original {
                let error = relativeError(run.original, original)
                #expect(error <= SchedulerGolden.bound, "\(place), original: \(error)")
            }
        }
    }

    /// Runs that begin later, as in image-to-image: initial and final latents.
    @Test(arguments: try SchedulerGolden.all())
    func laterRunsEqualTheReference(_ golden: SchedulerGolden) throws {
        for run in golden.runs {
            guard let later = run.later else { continue }
            let result = try golden.run(run.plan, from: later.begin)
            let place = "\(golden), \(run.plan.steps) steps from \(later.begin)"
            #expect(relativeError(result.initial, later.noised) <= 1e-6, "\(place)")
            let error = relativeError(try #require(result.latents.last), later.latents)
            #expect(error <= SchedulerGolden.bound, "\(place): \(error)")
        }
    }

    /// All schedulers are compared with the reference in runs that begin later.
    @Test(arguments: SchedulerRegistry.known.map { $0.className })
    func laterRunsAreCovered(_ name: String) throws {
        let goldens = try SchedulerGolden.all().filter { $0.name == name }
        #expect(goldens.contains { $0.runs.contains { $0.later != nil } })
    }

    /// A run that begins at the first timestep skips nothing, and timesteps match the order.
    @Test(arguments: SchedulerRegistry.known.map { $0.className })
    func beginAtTheFirstTimestep(_ name: String) throws {
        let configuration = try SchedulerRegistry.configuration(nil, option: .string(name))
        var begun = try configuration.start(RunSchedule(steps: 4))
        var untouched = begun
        begun.begin(at: 0)
        #expect(untouched.order == 1 || untouched.timesteps.count == 4 * untouched.order - 1)
        var (first, second) = (NoiseGenerator(seed: 1, images: 1), NoiseGenerator(seed: 1, images: 1))
        let (output, sample) = ([0.5, 0.25] as [Float], [1, -1] as [Float])
        for _ in 0..<2 {
            #expect(begun.modelInput(sample) == untouched.modelInput(sample))
            let (one, other) = (
                begun.step(output: output, sample: sample, noise: &first),
                untouched.step(output: output, sample: sample, noise: &second)
            )
            #expect(one.sample == other.sample)
        }
    }

    /// Each field is set in a golden case that differs without it. So no field can be ignored unnoticed.
    @Test(arguments: SchedulerRegistry.known.map { $0.className })
    func eachFieldIsCovered(_ name: String) throws {
        let type = try #require(SchedulerRegistry.known.first { $0.className == name })
        let goldens = try SchedulerGolden.all().filter { $0.name == name }
        for field in type.fields {
            let matters = try goldens.contains { golden in
                guard let value = golden.fields[field.name] else { return false }
                if field.fallback == value { return false }
                var without = golden
                without.fields[field.name] = nil
                return try golden.runs.contains { run in
                    guard let other = try? without.run(run.plan) else { return true }
                    let own = try golden.run(run.plan)
                    return other.latents != own.latents || other.timesteps != own.timesteps
                }
            }
            // A field with a single choice cannot differ.
            if case .choice(let names) = field.kind, names.count == 1 { continue }
            #expect(matters, "\(name): \(field.name)")
        }
    }

    /// A value of the wrong type is an error that names the scheduler option and the field.
    @Test(arguments: SchedulerRegistry.known.map { $0.className })
    func wrongValuesAreNamed(_ name: String) throws {
        let type = try #require(SchedulerRegistry.known.first { $0.className == name })
        for field in type.fields {
            let message = failure(["_class_name": .string(name), Name(field.name): .object([:])])
            #expect(message.contains("option \"scheduler\": \"\(field.name)\" is {"), "\(message)")
            #expect(message.contains("expected \(field.expectation)"))
            if case .integer(let range) = field.kind {
                let message = failure(["_class_name": .string(name), Name(field.name): .integer(range.upperBound + 1)])
                #expect(message.contains("\"\(field.name)\" is \(range.upperBound + 1)"))
            }
        }
        #expect(failure(["name": .string(name), "betaStart": .number(1)]).contains("has no field \"betaStart\""))
        for field in type.unsupportedFields where field != .learnedVariance {
            let message = failure(["name": .string(name), Name(field.rawValue): .bool(true)])
            #expect(message.contains("\"\(field.rawValue)\" is true; expected false"))
        }
    }

    @Test func conflictsAreNamed() {
        let conflicts: [(String, [Name: JSONValue], String)] = [
            ("DPMSolverMultistep", ["algorithm_type": .string("dpmsolver")], "final_sigmas_type"),
            (
                "DPMSolverMultistep",
                [
                    "algorithm_type": .string("sde-dpmsolver"), "solver_order": .integer(3),
                    "final_sigmas_type": .string("sigma_min"),
                ], "solver_order"
            ),
            ("DPMSolverSinglestep", ["algorithm_type": .string("dpmsolver")], "final_sigmas_type"),
            ("LMSDiscrete", ["use_karras_sigmas": .bool(true), "use_beta_sigmas": .bool(true)], "use_beta_sigmas"),
            ("UniPCMultistep", ["predict_x0": .bool(false)], "final_sigmas_type"),
            ("UniPCMultistep", ["lower_order_final": .bool(false)], "final_sigmas_type"),
            ("LCM", ["original_inference_steps": .integer(2000)], "original_inference_steps"),
            ("EDMEuler", ["sigma_min": .number(90)], "sigma_min"),
            ("SASolver", ["lambda_min_clipped": .number(100)], "lambda_min_clipped"),
            ("DDIM", ["trained_betas": .array([.number(0.1)])], "trained_betas"),
        ]
        for (name, fields, key) in conflicts {
            let message = failure(fields.merging(["name": .string(name)]) { $1 })
            #expect(message.contains("option \"scheduler\": \"\(key)\" is "), "\(name): \(message)")
        }
    }

    /// Every scheduler names what it does not support.
    @Test(arguments: SchedulerRegistry.known.map { $0.className })
    func runsAreChecked(_ name: String) throws {
        let type = try #require(SchedulerRegistry.known.first { $0.className == name })
        let scheduler = try SchedulerRegistry.configuration(nil, option: .string(name))
        func message(_ plan: RunSchedule) -> String {
            do {
                _ = try scheduler.start(plan)
                return ""
            } catch { return error.message }
        }
        #expect(message(RunSchedule(steps: 1)) == "")
        #expect(message(RunSchedule(steps: 1001)).contains("\"num_inference_steps\" is 1001"))
        #expect((message(RunSchedule(steps: 1, timesteps: [900, 100])) == "") == type.takesTimesteps)
        #expect(message(RunSchedule(steps: 1, timesteps: [100, 900])).contains("\"timesteps\""))
        #expect(message(RunSchedule(steps: 1, timesteps: [1000])).contains("\"timesteps\""))
        #expect((message(RunSchedule(steps: 1, sigmas: [3, 1, 0])) == "") == type.takesSigmas)
        #expect(message(RunSchedule(steps: 1, sigmas: [1, 3])).contains("\"sigmas\""))
        #expect(message(RunSchedule(steps: 1, timesteps: [9], sigmas: [3, 1])) != "")
    }

    /// A run may use every training timestep, unless the scheduler would divide by the distance of equal ones.
    @Test func wholeTraining() throws {
        for name in [
            "DDPM", "DDIM", "LMSDiscrete", "EulerDiscrete", "EulerAncestralDiscrete",
        ] {
            let scheduler = try SchedulerRegistry.configuration(nil, option: .string(name))
            #expect(
                try scheduler.start(RunSchedule(steps: 1000)).timesteps == (0..<1000).reversed().map { Float($0) })
        }
        for fields: [Name: JSONValue] in [
            ["name": .string("DPMSolverSinglestep")],
            ["name": .string("DPMSolverMultistep"), "solver_order": .integer(1)],
            ["name": .string("DEISMultistep"), "solver_order": .integer(1)],
            ["name": .string("UniPCMultistep"), "solver_order": .integer(1)],
            ["name": .string("SASolver"), "predictor_order": .integer(1), "corrector_order": .integer(1)],
        ] {
            var run = try SchedulerRegistry.configuration(nil, option: .object(fields)).start(
                RunSchedule(steps: 1000))
            #expect(run.timesteps.count == 1000 && run.timesteps[998...] == [2, 1])
            var (sample, noise) = ([1, -1] as [Float], NoiseGenerator(seed: 1, images: 1))
            for _ in run.timesteps {
                sample = run.step(output: run.modelInput(sample), sample: sample, noise: &noise).sample
            }
            #expect(!sample.contains { !$0.isFinite }, "\(fields)")
        }
        for name in ["DPMSolverMultistep", "SASolver", "DEISMultistep", "UniPCMultistep"] {
            let trailing = try SchedulerRegistry.configuration(
                nil, option: .object(["name": .string(name), "timestep_spacing": .string("trailing")]))
            #expect(try trailing.start(RunSchedule(steps: 1000)).timesteps.count == 1000)
            let scheduler = try SchedulerRegistry.configuration(nil, option: .string(name))
            #expect(try scheduler.start(RunSchedule(steps: 999)).timesteps.count == 999)
            do {
                _ = try scheduler.start(RunSchedule(steps: 1000))
                Issue.record("\(name) took 1000 steps")
            } catch { #expect(error.message.contains("\"num_inference_steps\" is 1000; expected at most 999")) }
        }
    }

    /// Fields that a run leaves out are those of the file, even if the file is of another class.
    @Test func fieldsOfTheFile() throws {
        let file = try configuration([
            "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "solver_type": "midpoint",
            "beta_end": 0.012, "timestep_spacing": "trailing", "prediction_type": "v_prediction",
        ])
        for name in ["DDIM", "UniPCMultistep", "DEISMultistepScheduler", "SASolver", "DPMSolverMultistep"] {
            func latents(_ option: JSONValue, _ file: ConfigurationFile?) throws -> [Float] {
                var scheduler = try SchedulerRegistry.configuration(file, option: option).start(
                    RunSchedule(steps: 3))
                var noise = NoiseGenerator(seed: 1, images: 1)
                return scheduler.step(output: [0.5, 0.25], sample: [1, -1], noise: &noise).sample
                    + scheduler.timesteps
            }
            let inherited = try latents(.string(name), file)
            var fields: [Name: JSONValue] = [
                "name": .string(name), "beta_end": .number(0.012), "timestep_spacing": .string("trailing"),
                "prediction_type": .string("v_prediction"),
            ]
            #expect(try inherited == latents(.object(fields), nil))
            fields["beta_end"] = .number(0.02)
            #expect(try latents(.object(fields), file) == latents(.object(fields), nil))
            #expect(try latents(.object(fields), file) != inherited)
            fields["beta_end"] = .null
            #expect(try latents(.object(fields), file) != inherited)
        }
        #expect(
            try SchedulerRegistry.configuration(file, option: .object([:])) is DPMSolverMultistepScheduler.Configuration
        )
    }

    @Test func namesAreKnown() throws {
        for type in SchedulerRegistry.known {
            for name in [type.className, String(type.className.dropLast("Scheduler".count))] {
                let made = try SchedulerRegistry.configuration(nil, option: .string(name))
                #expect(Swift.type(of: made).className == type.className)
            }
        }
        let message = failure(["name": .string("Ddim")])
        #expect(message.contains("option \"scheduler\" is \"Ddim\"; expected \"DPMSolverMultistepScheduler\" or"))
    }

    /// The file of PixArt's checkpoints has a bare -Infinity, which strict parsers refuse.
    @Test func publishedConfiguration() throws {
        let path = NSTemporaryDirectory() + "pixart-\(UUID().uuidString).json"
        let text = """
            {"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "beta_end": 0.02,
             "beta_schedule": "linear", "beta_start": 0.0001, "lambda_min_clipped": -Infinity, "solver_order": 2,
             "thresholding": false, "trained_betas": null, "use_karras_sigmas": false, "variance_type": null}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        let file = try ConfigurationFile(path: path)
        let scheduler = try SchedulerRegistry.configuration(file).start(RunSchedule(steps: 4))
        #expect(scheduler.timesteps == [999, 749, 500, 250])
    }

    @Test(arguments: [
        ("_class_name", "FlowMatchEulerDiscreteScheduler"), ("algorithm_type", "deis++"), ("solver_type", "bh3"),
        ("prediction_type", "flow_prediction"), ("beta_schedule", "sigmoid"), ("variance_type", "learned_range"),
    ])
    func unsupportedSettingsAreNamed(_ key: String, _ value: String) throws {
        let file = try configuration(
            ["_class_name": "DPMSolverMultistepScheduler"].merging([key: value]) { $1 })
        do {
            _ = try SchedulerRegistry.configuration(file)
            Issue.record("\(key) = \(value) was accepted")
        } catch {
            #expect(error.message.contains("\"\(key)\" is \"\(value)\""))
        }
    }

    /// A generator for each image draws as in runs of one image.
    @Test func seedsOfEachImage() {
        var both = NoiseGenerator(seeds: [3, 4])
        var (first, second) = (NoiseGenerator(seed: 3, images: 1), NoiseGenerator(seed: 4, images: 1))
        for _ in 0..<2 { #expect(both.normal(40) == first.normal(20) + second.normal(20)) }
    }

    /// Images with their own seeds have their own Brownian tree, as in a run of one image.
    @Test func treesOfEachImage() throws {
        let configuration = try SchedulerRegistry.configuration(nil, option: .string("DPMSolverSDE"))
        func latents(_ seeds: [UInt64], _ sample: [Float]) throws -> [Float] {
            var scheduler = try configuration.start(RunSchedule(steps: 3))
            var noise = NoiseGenerator(seeds: seeds)
            return scheduler.step(output: sample, sample: sample, noise: &noise).sample
        }
        let (first, second) = ([1, -1, 0.5] as [Float], [0.25, 2, -3] as [Float])
        let both = try latents([3, 4], first + second)
        #expect(try both == latents([3], first) + latents([4], second))
        #expect(try both != latents([3, 3], first + second))
    }

    private func failure(_ fields: [Name: JSONValue]) -> String {
        do {
            _ = try SchedulerRegistry.configuration(nil, option: .object(fields))
            return ""
        } catch { return error.message }
    }
}
