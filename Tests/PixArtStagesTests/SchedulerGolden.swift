import Foundation
import PixArtFormats
import PixArtStages

/// A scheduler with some fields, and what the reference's runs with it look like.
struct SchedulerGolden: Sendable, CustomStringConvertible {
    struct Run: Sendable {
        let steps: Int
        /// The largest relative error of any step's latents.
        let bound: Double
        let timesteps: [Float]
        /// After some of the steps.
        let latents: [Int: [Float]]
        let original: [Float]?
    }

    /// What our run looks like, after every step.
    struct Result {
        var timesteps: [Float] = []
        var latents: [[Float]] = []
        var original: [Float] = []
    }

    let name: String
    var fields: [String: JSONValue]
    let timesteps: [Int]?
    let sigmas: [Double]?
    let eta: Double
    let runs: [Run]
    private let picture: [Float]
    private let models: [String: [Float]]

    var description: String { "\(name) \(JSONValue.object(fields).serialized())" }

    /// All cases of the file.
    static let all: [SchedulerGolden] = {
        let root = try! JSONValue.load(path: Bundle.module.bundlePath + "/Resources/schedulers.json")
        let picture = floats(root["picture"])
        let models = root["models"]!.object!.mapValues { $0.array!.map { Float($0.number!) } }
        return root["cases"]!.array!.map { SchedulerGolden($0, picture, models) }
    }()

    private init(_ row: JSONValue, _ picture: [Float], _ models: [String: [Float]]) {
        name = row["class"]!.string!
        fields = row["fields"]!.object!
        timesteps = row["run"]!["timesteps"]?.array?.map { Int($0.integer!) }
        sigmas = row["run"]!["sigmas"]?.array?.map { $0.number! }
        eta = row["run"]!["eta"]?.number ?? 0
        runs = row["runs"]!.array!.map { run in
            Run(
                steps: Int(run["steps"]!.integer!), bound: run["bound"]!.number!,
                timesteps: run["timesteps"]!.array!.map { Float($0.number!) },
                latents: Dictionary(
                    uniqueKeysWithValues: run["latents"]!.object!.map { (Int($0.key)!, Self.floats($0.value)) }),
                original: run["original"].map { Self.floats($0) })
        }
        self.picture = picture
        self.models = models
    }

    /// float32 numbers from their bit patterns.
    private static func floats(_ bits: JSONValue?) -> [Float] {
        (bits?.array ?? []).map { Float(bitPattern: UInt32(bitPattern: Int32($0.integer!))) }
    }

    /// A run of the reference's small model: so much of what it sees, and so much of a picture.
    func run(steps: Int) throws -> Result {
        let option = JSONValue.object(fields.merging(["_class_name": .string(name)]) { $1 })
        let plan = SchedulerPlan(steps: steps, timesteps: timesteps, sigmas: sigmas, eta: eta)
        var scheduler = try SchedulerRegistry.configuration(nil, option: option).start(plan)
        var noise = NoiseSource(seed: UInt64(steps), images: 2)
        let model = models[fields["prediction_type"]?.string ?? "epsilon"]!
        let initial = scheduler.initialNoiseSigma
        var sample = noise.normal(picture.count).map { $0 * initial }
        var result = Result(timesteps: scheduler.timesteps)
        for _ in scheduler.timesteps {
            let output = zip(scheduler.modelInput(sample), picture).map { model[0] * $0 + model[1] * $1 }
            let step = scheduler.step(
                output: output, variance: picture.map { 0.5 * $0 }, sample: sample, noise: &noise)
            sample = step.sample
            result.latents.append(sample)
            result.original = step.original
        }
        return result
    }
}

/// |ours - theirs| / |theirs|; infinite where something is not a number.
func relativeError(_ ours: [Float], _ theirs: [Float]) -> Double {
    guard ours.count == theirs.count, ours.allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(ours, theirs).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let size = theirs.reduce(0) { $0 + Double($1) * Double($1) }
    return (difference / size).squareRoot()
}
