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
    case listed([Int])
    /// One of so many steps, from the first on.
    case every(Int)
}

/// A residual cache of stated quality.
package enum CachePreset: String, CaseIterable, Sendable {
    case half
    case third

    /// One of so many steps is computed.
    var interval: Int {
        switch self {
        case .half: 2
        case .third: 4
        }
    }

    var request: CacheRequest { .residual(of: nil, .every(interval)) }
}

extension Option where Value == CacheRequest? {
    static var cache: Self {
        .optionalForm(
            "cache",
            "\(CachePreset.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")), an object with \"steps\" or "
                + "\"interval\", or an object with \"schedule\"",
            schemas: CacheRequest.schemas,
            "Results of earlier steps that later ones add again instead of computing them. \"half\" computes "
                + "every second step and \"third\" every fourth, in about 60% and 35% of the time. An object with "
                + "\"steps\" lists the steps that are computed, from 0 on, and one with \"interval\": n computes "
                + "each n-th; the first and the last are always computed. The others add again what the blocks from "
                + "the first to the second number of \"blocks\" added in all (default: all blocks but the first and "
                + "the last of the checkpoint). With \"minimum_steps\", runs of fewer steps compute all of "
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
        residual: ["blocks", "steps", "interval", "minimum_steps"], schedule: ["schedule"]
    )

    /// nil for JSON of another kind than the forms. Fails with `.option` naming what is not allowed.
    fileprivate init?(_ json: JSONValue) throws(PixArtError) {
        if let name = json.string {
            guard let preset = CachePreset(rawValue: name) else { return nil }
            self = preset.request
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
        switch (members["steps"], members["interval"]) {
        case (let steps?, nil):
            let numbers = steps.array?.compactMap(\.integer) ?? []
            guard numbers.count == steps.array?.count, numbers.allSatisfy({ 0..<100_000 ~= $0 }) else {
                throw CacheRequest.refused("\"steps\" \(steps.serialized())", expected: "an array of steps, from 0 on")
            }
            self = .listed(numbers.map { Int($0) })
        case (nil, let interval?):
            guard let count = interval.integer, CacheRequest.steps ~= count else {
                throw CacheRequest.refused(
                    "\"interval\" \(interval.serialized())", expected: "an integer from 1 to 100000")
            }
            self = .every(Int(count))
        case (let steps, _):
            throw CacheRequest.refused(
                steps == nil ? "neither \"steps\" nor \"interval\"" : "both \"steps\" and \"interval\"",
                expected: "one of them")
        }
    }
}
