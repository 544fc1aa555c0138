import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// What a run computes in some of its steps only: the option `cache`.
package enum CacheRequest: Sendable, Equatable {
    /// What consecutive blocks add to the residual stream in all. nil for all blocks but the first and the last.
    /// Runs of fewer than `minimumSteps` steps are computed in full.
    case residual(of: ClosedRange<Int>?, ComputedSteps, minimumSteps: Int = 1)
    /// The modules that are computed, for each step and each block.
    case schedule([[BlockModules]])
}

/// The steps that compute a residual. The first and the last always do, and need not be listed.
package enum ComputedSteps: Sendable, Equatable {
    case listed(ListedSteps)
    /// One of so many steps, from the first on.
    case every(Int)
    case preset(CachePreset)

    /// The steps of a run of `count` steps, after the first `skipped` ones of the schedule.
    func listed(steps count: Int, skipped: Int) -> ListedSteps {
        func every(_ interval: Int) -> ListedSteps { ListedSteps(Set(stride(from: 0, to: count, by: interval))) }
        return switch self {
        case .listed(let steps): steps
        case .every(let interval): every(interval)
        case .preset(let preset):
            count == CachePreset.searchedSteps && skipped == 0 ? preset.searched : every(preset.interval)
        }
    }
}

/// Steps of a run by their numbers, from 0 on.
package struct ListedSteps: Sendable, Equatable {
    /// Those that compute the residuals of all predictions.
    let steps: Set<Int>
    /// Those that compute the prompt's alone. The others change as it does.
    let promptSteps: Set<Int>
    /// The first step with classifier-free guidance.
    let guidanceStart: Int

    init(_ steps: Set<Int>, prompt: Set<Int> = [], guidanceStart: Int = 0) {
        (self.steps, promptSteps, self.guidanceStart) = (steps, prompt, guidanceStart)
    }
}

/// A residual cache of stated quality.
package enum CachePreset: String, CaseIterable, Sendable {
    case half
    case third

    /// One of so many steps is computed.
    fileprivate var interval: Int {
        switch self {
        case .half: 2
        case .third: 4
        }
    }

    /// Steps of a run that `searched` is for.
    fileprivate static let searchedSteps = 20

    /// The best steps that a search found for prompts of which some are sensitive: docs/caching.md.
    fileprivate var searched: ListedSteps {
        switch self {
        case .half: ListedSteps([3, 5, 7, 9, 10, 12, 14, 16, 18], prompt: [17], guidanceStart: 3)
        case .third: ListedSteps([4, 9, 12, 16], prompt: [14, 18], guidanceStart: 4)
        }
    }
}

extension Option where Value == CacheRequest? {
    static var cache: Self {
        .optionalForm(
            "cache",
            "\(CachePreset.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")), an object with \"steps\", "
                + "\"interval\" or \"preset\", or an object with \"schedule\"",
            schemas: CacheRequest.schemas,
            "Results of earlier steps that later ones add again instead of computing them. \"half\" computes "
                + "about every second step and \"third\" about every fourth, in about 60% and 37% of the time; in runs of 20 "
                + "steps from noise, they leave guidance out of the first 3 or 4. {\"preset\": "
                + "\"half\"} is the same. An object with \"steps\" lists the steps that are computed, from 0 on, and one with "
                + "\"interval\": n computes each n-th; the first and the last are always computed. The others add again "
                + "what the blocks from the first to the second number of \"blocks\" added in all (default: all blocks but "
                + "the first and the last of the checkpoint). With \"steps\", \"prompt_steps\" lists steps that compute the "
                + "prompt's prediction only, which the negative prompt's follows, and \"guidance_start\" is the first step "
                + "with classifier-free guidance. With \"minimum_steps\", runs of fewer steps compute all of "
                + "every step. An object with \"schedule\" is a table of step, block and "
                + "module, such as {\"000\": {\"0\": {\"attn1\": true, \"attn2\": true, \"ff\": true}}}, for all steps of "
                + "the scheduler: with false, the module's last output is added again. null computes all of every step. "
                + "docs/caching.md has the definitions, and the quality of the presets.",
            { json throws(PixArtError) in try CacheRequest(json) })
    }
}

// MARK: Reading

extension CacheRequest {
    private static let keys = (
        residual: ["blocks", "steps", "prompt_steps", "guidance_start", "interval", "preset", "minimum_steps"],
        schedule: ["schedule"]
    )

    /// nil for JSON of another kind than the forms. Fails with `.option` naming what is not allowed.
    fileprivate init?(_ json: JSONValue) throws(PixArtError) {
        if let name = json.string {
            guard let preset = CachePreset(rawValue: name) else { return nil }
            self = .residual(of: nil, .preset(preset))
            return
        }
        guard let members = json.object else { return nil }
        let known = Self.keys.residual + Self.keys.schedule
        if let key = members.keys.sorted().first(where: { !known.contains($0.text) }) {
            throw Self.refused("key \"\(key)\"", expected: known.map { "\"\($0)\"" }.joined(separator: ", "))
        }
        if let table = members["schedule"] {
            guard members.count == 1 else {
                throw Self.refused("\"schedule\" with other keys", expected: "\"schedule\" alone")
            }
            self = .schedule(try Self.steps(of: table))
        } else {
            self = .residual(
                of: try Self.blocks(members["blocks"]), try ComputedSteps(members),
                minimumSteps: try Self.minimumSteps(members["minimum_steps"]))
        }
    }

    /// Whether a run of so many steps reuses anything.
    func applies(toSteps count: Int) -> Bool {
        if case .residual(_, _, let minimumSteps) = self { count >= minimumSteps } else { true }
    }

    /// The first step with classifier-free guidance, of `count` steps after the first `skipped` ones of the schedule.
    func guidanceStart(steps count: Int, skipped: Int) -> Int {
        guard case .residual(_, let choice, _) = self else { return 0 }
        return choice.listed(steps: count, skipped: skipped).guidanceStart
    }

    static func refused(_ what: String, expected: String) -> PixArtError {
        .option("option \"cache\" has \(what), expected \(expected)")
    }

    private static func blocks(_ json: JSONValue?) throws(PixArtError) -> ClosedRange<Int>? {
        guard let json else { return nil }
        let numbers = json.array?.compactMap(\.integer) ?? []
        guard numbers.count == 2, json.array?.count == 2, numbers[0] >= 0, numbers[0] <= numbers[1], numbers[1] < 1024
        else {
            throw refused(
                "\"blocks\" \(json.serialized())",
                expected: "the first and the last block, as two integers from 0 that do not fall")
        }
        return Int(numbers[0])...Int(numbers[1])
    }

    private static func minimumSteps(_ json: JSONValue?) throws(PixArtError) -> Int {
        guard let json else { return 1 }
        guard let count = json.integer, steps ~= count else {
            throw refused("\"minimum_steps\" \(json.serialized())", expected: "an integer from 1 to 100000")
        }
        return Int(count)
    }

    /// Numbers of steps that a run can have.
    fileprivate static let steps: ClosedRange<Int64> = 1...100_000

    /// The table of a schedule, [step][block]["attn1", "attn2" and "ff"].
    private static func steps(of table: JSONValue) throws(PixArtError) -> [[BlockModules]] {
        var steps: [[BlockModules]] = []
        for (step, blocks) in try rows(of: table, "\"schedule\"", "step").enumerated() {
            let place = "step \(step) of \"schedule\""
            var modules: [BlockModules] = []
            for (block, row) in try rows(of: blocks, place, "block").enumerated() {
                modules.append(try self.modules(row, "block \(block) of \(place)"))
            }
            guard modules.count == steps.first?.count ?? modules.count else {
                throw refused("\(modules.count) blocks in \(place)", expected: "\(steps[0].count), as in step 0")
            }
            steps.append(modules)
        }
        return steps
    }

    /// The members of an object whose keys are the numbers from 0 on, in their order.
    private static func rows(of json: JSONValue, _ place: String, _ what: String) throws(PixArtError) -> [JSONValue] {
        guard let members = json.object, !members.isEmpty else {
            throw refused(
                "\(json.object == nil ? json.kind : "an empty object") as \(place)",
                expected: "an object with a member for each \(what), called by its number")
        }
        var rows: [Int: JSONValue] = [:]
        for (key, row) in members {
            guard key.text.utf8.allSatisfy({ 48...57 ~= $0 }), let number = Int(key.text), rows[number] == nil else {
                throw refused("the \(what) \"\(key)\" in \(place)", expected: "the number of a \(what), each once")
            }
            rows[number] = row
        }
        return try (0..<rows.count).map { (number) throws(PixArtError) in
            guard let row = rows[number] else {
                throw refused("no \(what) \(number) in \(place)", expected: "all from 0 to \(rows.keys.max() ?? 0)")
            }
            return row
        }
    }

    /// The modules of a block that are computed.
    private static func modules(_ json: JSONValue, _ place: String) throws(PixArtError) -> BlockModules {
        let names = BlockModules.names
        let expected = names.map { "\"\($0.name)\"" }.joined(separator: ", ")
        guard let members = json.object else {
            throw refused("\(json.kind) as \(place)", expected: "an object of \(expected)")
        }
        if let key = members.keys.sorted().first(where: { key in !names.contains { $0.name == key.text } }) {
            throw refused("\"\(key)\" in \(place)", expected: expected)
        }
        var modules: BlockModules = []
        for (name, module) in names {
            guard let isComputed = members[Name(name)]?.bool else {
                throw refused(
                    "\(members[Name(name)]?.serialized() ?? "nothing") as \"\(name)\" in \(place)",
                    expected: "true if the step computes the module, else false")
            }
            if isComputed { modules.insert(module) }
        }
        return modules
    }
}

extension BlockModules {
    /// By the names of diffusers.
    fileprivate static let names: [(name: String, module: BlockModules)] = [
        ("attn1", .selfAttention), ("attn2", .crossAttention), ("ff", .feedForward),
    ]
}

extension ComputedSteps {
    fileprivate init(_ members: [Name: JSONValue]) throws(PixArtError) {
        let choices = ["steps", "interval", "preset"].filter { members[Name($0)] != nil }
        guard choices.count == 1 else {
            let keys = choices.map { "\"\($0)\"" }.joined(separator: " and ")
            throw CacheRequest.refused(
                choices.isEmpty ? "none of \"steps\", \"interval\" and \"preset\"" : keys, expected: "one of them")
        }
        if let steps = members["steps"] {
            self = .listed(
                ListedSteps(
                    try Self.steps(steps, "steps"), prompt: try Self.steps(members["prompt_steps"], "prompt_steps"),
                    guidanceStart: try Self.guidanceStart(members["guidance_start"])))
            return
        }
        for key in ["prompt_steps", "guidance_start"] where members[Name(key)] != nil {
            throw CacheRequest.refused("\"\(key)\" without \"steps\"", expected: "both")
        }
        if let interval = members["interval"] {
            guard let count = interval.integer, CacheRequest.steps ~= count else {
                throw CacheRequest.refused(
                    "\"interval\" \(interval.serialized())", expected: "an integer from 1 to 100000")
            }
            self = .every(Int(count))
        } else {
            guard let preset = members["preset"]?.string.flatMap(CachePreset.init(rawValue:)) else {
                throw CacheRequest.refused(
                    "\"preset\" \(members["preset"]?.serialized() ?? "")",
                    expected: CachePreset.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or "))
            }
            self = .preset(preset)
        }
    }

    private static func steps(_ json: JSONValue?, _ key: String) throws(PixArtError) -> Set<Int> {
        guard let json else { return [] }
        let numbers = json.array?.compactMap(\.integer) ?? []
        guard numbers.count == json.array?.count, numbers.allSatisfy({ 0..<100_000 ~= $0 }) else {
            throw CacheRequest.refused("\"\(key)\" \(json.serialized())", expected: "an array of steps, from 0 on")
        }
        return Set(numbers.map { Int($0) })
    }

    private static func guidanceStart(_ json: JSONValue?) throws(PixArtError) -> Int {
        guard let json else { return 0 }
        guard let step = json.integer, 0..<100_000 ~= step else {
            throw CacheRequest.refused("\"guidance_start\" \(json.serialized())", expected: "a step, from 0 on")
        }
        return Int(step)
    }
}
