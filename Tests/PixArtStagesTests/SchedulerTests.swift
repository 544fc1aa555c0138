import Foundation
import PixArtCompute
import PixArtStages
import Testing

@Suite struct SchedulerTests {
    /// Every step of every variant. PyTorch's square roots, logarithms and exponentials may differ in their last bit, and
    /// at the first timestep each such bit is 1e-5 of the picture that follows from epsilon: see docs/numerics.md.
    @Test func stepsEqualTheReference() throws {
        for row in try Golden.stages["schedulers"] as! [[String: Any]] {
            let variant = row["config"] as! [String: Any]
            let file = try configuration(
                ["_class_name": "DPMSolverMultistepScheduler", "beta_schedule": "linear"].merging(variant) { $1 })
            let steps = row["steps"] as! Int
            var scheduler = try SchedulerRegistry.configuration(file).scheduler(steps: steps)
            #expect(scheduler.timesteps == (row["timesteps"] as! [Int]).map { Float($0) }, "\(variant), \(steps) steps")
            #expect(scheduler.initialNoiseSigma == 1)
            var x = Golden.floats(row["start"])
            let outputs = row["outputs"] as! [[Int]]
            for (output, expected) in zip(outputs, row["latents"] as! [[Int]]) {
                x = scheduler.step(output: Golden.floats(output), sample: x)
                let latents = Golden.floats(expected)
                let largest = latents.map { abs($0) }.max()!
                #expect(x.count == latents.count)
                #expect(
                    zip(x, latents).allSatisfy { abs($0 - $1) <= 2e-5 * largest }, "\(variant), \(steps) steps")
            }
        }
    }

    /// The file that PixArt's checkpoints come with has a bare -Infinity, which strict parsers refuse.
    @Test func publishedConfiguration() throws {
        let path = NSTemporaryDirectory() + "pixart-\(UUID().uuidString).json"
        let text = """
            {"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "beta_end": 0.02,
             "beta_schedule": "linear", "beta_start": 0.0001, "lambda_min_clipped": -Infinity, "solver_order": 2,
             "thresholding": false, "trained_betas": null, "use_karras_sigmas": false, "variance_type": null}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        let scheduler = try SchedulerRegistry.configuration(ConfigurationFile(path: path)).scheduler(steps: 4)
        #expect(scheduler.timesteps == [999, 749, 500, 250])
    }

    @Test(arguments: [
        ("_class_name", "EulerDiscreteScheduler"), ("algorithm_type", "sde-dpmsolver++"), ("solver_type", "bh2"),
        ("prediction_type", "flow_prediction"), ("beta_schedule", "squaredcos_cap_v2"),
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
}
