import Foundation
import PixArtFormats
import PixArtSchedulers
import PixArtStorage
import TestSupport

/// A scheduler with some fields, and the reference's runs with it, from tools/goldens/make_scheduler_goldens.py.
struct SchedulerGolden: Sendable, CustomStringConvertible {
    struct Run: Sendable {
        let plan: RunSchedule
        let timesteps: [Float]
        /// After some of the steps.
        let latents: [Int: [Float]]
        let original: [Float]?
        let later: Later?
    }

    /// The same run begun later, from a noisy image.
    struct Later: Sendable {
        let begin: Int
        let noised: [Float]
        /// After the last step.
        let latents: [Float]
    }

    /// The results of our run after every step.
    struct Result {
        var timesteps: [Float] = []
        /// The initial latents.
        var initial: [Float] = []
        var latents: [[Float]] = []
        var original: [Float] = []
    }

    let name: String
    var fields: [Name: JSONValue]
    let runs: [Run]
    private let image: [Float]
    private let models: [Name: [Float]]

    var description: String { "\(name) \(JSONValue.object(fields).serialized())" }

    /// The largest relative error of any step's latents.
    static let bound = 2e-5

    /// All cases of the file.
    static func all() throws -> [SchedulerGolden] { try loaded.get() }

    private static let loaded = Swift.Result {
        let root = try JSONValue.load(path: Bundle.module.bundlePath + "/Resources/schedulers.json")
        let image = floats(root["picture"])
        let models = root["models"]!.object!.mapValues { $0.array!.map { Float($0.number!) } }
        return root["cases"]!.array!.map { SchedulerGolden($0, image, models) }
    }

    private init(_ row: JSONValue, _ image: [Float], _ models: [Name: [Float]]) {
        name = row["class"]!.string!
        fields = row["fields"]!.object!
        let eta = row["eta"]!.number!
        runs = row["runs"]!.array!.map { Self.run($0, eta: eta) }
        self.image = image
        self.models = models
    }

    private static func run(_ row: JSONValue, eta: Double) -> Run {
        let given = row["given"]!
        return Run(
            plan: RunSchedule(
                steps: Int(row["steps"]!.integer!), timesteps: given["timesteps"]?.array?.map { Int($0.integer!) },
                sigmas: given["sigmas"]?.array?.map { $0.number! }, eta: eta),
            timesteps: row["timesteps"]!.array!.map { Float($0.number!) },
            latents: Dictionary(
                uniqueKeysWithValues: row["latents"]!.object!.map { (Int($0.key.text)!, floats($0.value)) }),
            original: row["original"].map { floats($0) },
            later: row["later"].map { later in
                Later(
                    begin: Int(later["begin"]!.integer!), noised: floats(later["noised"]),
                    latents: floats(later["latents"]))
            })
    }

    /// float32 numbers from their bit patterns.
    private static func floats(_ bits: JSONValue?) -> [Float] {
        (bits?.array ?? []).map { Float(bitPattern: UInt32(bitPattern: Int32($0.integer!))) }
    }

    /// A run of the reference's small model, which returns a weighted sum of its input and an image. From noise,
    /// or from the noisy image if it begins later.
    func run(_ plan: RunSchedule, from begin: Int? = nil) throws -> Result {
        let option = JSONValue.object(fields.merging(["_class_name": .string(name)]) { $1 })
        var scheduler = try SchedulerRegistry.configuration(nil, option: option).start(plan)
        var noise = NoiseGenerator(seed: UInt64(plan.steps), images: 2)
        let model = models[fields["prediction_type"]?.string ?? "epsilon"]!
        let initial = scheduler.initialNoiseSigma
        var sample = noise.normal(image.count)
        if let begin {
            sample = scheduler.addingNoise(sample, to: image, at: begin)
            scheduler.begin(at: begin)
        } else {
            sample = sample.map { $0 * initial }
        }
        var result = Result(timesteps: scheduler.timesteps, initial: sample)
        for _ in scheduler.timesteps.dropFirst(begin ?? 0) {
            let output = zip(scheduler.modelInput(sample), image).map { model[0] * $0 + model[1] * $1 }
            let step = scheduler.step(
                output: output, variance: image.map { 0.5 * $0 }, sample: sample, noise: &noise)
            sample = step.sample
            result.latents.append(sample)
            result.original = step.predictedOriginal
        }
        return result
    }
}
