import Foundation
import PixArtFormats
import PixArtSchedulers
import TestSupport
import Testing

/// A class with the configurations of another one, against tools/goldens/make_scheduler_config_goldens.py.
@Suite struct SchedulerConfigurationTests {
    private static func golden(_ key: String) throws -> [JSONValue] {
        let root = try JSONValue.load(path: Bundle.module.bundlePath + "/Resources/scheduler_configurations.json")
        return try #require(root[key]?.array)
    }

    /// A checkpoint's file whose class was changed by hand: each class with the file of each other.
    @Test func changedClasses() throws {
        let rows = try Self.golden("files")
        #expect(rows.count >= SchedulerRegistry.known.count)
        for row in rows {
            for (name, means) in try #require(row["means"]?.object) {
                var members = try #require(row["file"]?.object)
                members["_class_name"] = .string(name.text)
                let path = NSTemporaryDirectory() + "pixart-\(UUID().uuidString).json"
                try Data(JSONValue.object(members).serialized().utf8).write(to: URL(fileURLWithPath: path))
                defer { unlink(path) }
                let file = try ConfigurationFile(path: path)
                check(name.text, means, "\(members)") { try SchedulerRegistry.configuration(file) }
            }
        }
    }

    /// The whole configuration of a diffusers scheduler, as `from_config` leaves it, as the option, for any
    /// checkpoint.
    @Test func dictionaries() throws {
        let file = try configuration(["_class_name": "DDIMScheduler", "beta_end": 0.5, "timestep_spacing": "trailing"])
        let rows = try Self.golden("dictionaries")
        #expect(rows.count > 4 * SchedulerRegistry.known.count)
        for row in rows {
            let option = try #require(row["option"])
            let name = try #require(option["_class_name"]?.string)
            check(name, try #require(row["means"]), option.serialized()) {
                try SchedulerRegistry.configuration(file, option: option)
            }
        }
    }

    /// The class takes the same steps as with the fields that the reference ends up with, or there is an error
    /// that names the field.
    private func check(
        _ name: String, _ means: JSONValue, _ place: String, _ make: () throws -> any SchedulerConfiguration
    ) {
        let expected = means.object.map { fields in
            Result {
                try latents(
                    SchedulerRegistry.configuration(
                        nil, option: .object(fields.merging(["_class_name": .string(name)]) { $1 })))
            }
        }
        switch (Result { try latents(make()) }, expected) {
        case (.success(let ours), .success(let theirs)?):
            #expect(ours == theirs, "\(name): \(place)")
            #expect(!ours.contains { !$0.isFinite })
        case (.failure(let error), nil), (.failure(let error), .failure?):
            #expect("\(error)".contains("_type"), "\(name): \(error)")
        case (.success, _): Issue.record("\(name) took what the reference refuses: \(place)")
        case (.failure(let error), .success?): Issue.record("\(name): \(error): \(place)")
        }
    }

    /// Timesteps of a short run, and latents after each of its steps.
    private func latents(_ configuration: any SchedulerConfiguration) throws -> [Float] {
        var run = try configuration.start(RunSchedule(steps: 4))
        var noise = NoiseGenerator(seed: 1, images: 1)
        var (sample, all) = ([1, -1, 0.5] as [Float], run.timesteps)
        for _ in run.timesteps {
            sample = run.step(output: run.modelInput(sample), sample: sample, noise: &noise).sample
            all += sample
        }
        return all
    }
}
