import PixArt

/// What the command line asks for.
struct Arguments {
    static let usage = "usage: text_to_image MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]"

    let model, prompt, output: String
    var seed: UInt64 = 7
    var steps = 20
    /// The share of the denoising run after which it is cancelled.
    var cancelAfter: Double?

    /// nil if an argument is missing or unknown.
    init?(_ arguments: some Sequence<String>) {
        var words: [String] = []
        var iterator = arguments.makeIterator()
        while let word = iterator.next() {
            switch word {
            case "--seed":
                guard let value = iterator.next().flatMap({ UInt64($0) }) else { return nil }
                seed = value
            case "--steps":
                guard let value = iterator.next().flatMap({ Int($0) }) else { return nil }
                steps = value
            case "--cancel-after":
                guard let value = iterator.next().flatMap({ Double($0) }) else { return nil }
                cancelAfter = value
            case _ where word.hasPrefix("--"): return nil
            default: words.append(word)
            }
        }
        guard words.count == 3 else { return nil }
        (model, prompt, output) = (words[0], words[1], words[2])
    }

    var options: DenoiseOptions { DenoiseOptions(numInferenceSteps: steps, seed: .batch(seed)) }
}
