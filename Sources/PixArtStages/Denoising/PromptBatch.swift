import PixArtCompute
import PixArtNetworks
import PixArtStorage

/// The embeddings that guide a run: one or more prompts, and a negative prompt for each of them or for none.
package struct PromptBatch {
    /// An embedding with its name in messages.
    private typealias Named = (name: String, embedding: Tensor)

    private let prompts: [Named]
    private let negatives: [Named]?
    private let missing: String

    /// One prompt, float32 [S, E].
    package init(prompt: Tensor, negative: Tensor?) {
        prompts = [("prompt", prompt)]
        negatives = negative.map { [("negative", $0)] }
        missing = "negative is NULL, expected an embedding"
    }

    /// Several prompts, and as many negatives. They may have different lengths.
    package init(prompts: [Tensor], negatives: [Tensor]?) {
        precondition(negatives == nil || negatives?.count == prompts.count)
        self.prompts = prompts.enumerated().map { ("prompts[\($0)]", $1) }
        self.negatives = negatives.map { $0.enumerated().map { ("negatives[\($0)]", $1) } }
        missing = "negatives are NULL, expected embeddings"
    }

    package var count: Int { prompts.count }

    /// The conditionings of a run in these roles. An embedding that occurs more than once is projected once. Fails with
    /// `.argument` if an embedding does not fit, or if the negatives are needed and missing.
    func conditionings(
        _ roles: [Conditioning.Role], _ transformer: PixArtTransformer, _ pool: ThreadPool
    ) throws(PixArtError) -> [Conditioning] {
        guard let negatives = roles.contains(.negative) ? negatives : [] else {
            throw .argument("\(missing) because guidance_scale is above 1")
        }
        var known: [ObjectIdentifier: PixArtTransformer.PromptConditioning] = [:]
        func projections(_ named: [Named]) throws(PixArtError) -> [PixArtTransformer.PromptConditioning] {
            var result: [PixArtTransformer.PromptConditioning] = []
            for (name, embedding) in named {
                let identifier = ObjectIdentifier(embedding)
                if known[identifier] == nil {
                    let rows = try Self.rows(name, embedding, transformer.configuration)
                    known[identifier] = try transformer.prompt(rows, pool)
                }
                if let prompt = known[identifier] { result.append(prompt) }
            }
            return result
        }
        let (positive, negative) = (try projections(prompts), try projections(negatives))
        return roles.map { Conditioning(role: $0, prompts: $0 == .negative ? negative : positive) }
    }

    private static func rows(
        _ name: String, _ tensor: Tensor, _ configuration: PixArtTransformer.Configuration
    ) throws(PixArtError) -> Matrix {
        guard tensor.element == .float32, tensor.shape.count == 2, tensor.shape[0] > 0,
            tensor.shape[1] == configuration.captionChannels
        else {
            throw .argument(
                "\(name) is \(tensor.description), expected float32 [S, \(configuration.captionChannels)] with S >= 1")
        }
        try tensor.requireFinite(name)
        return Matrix(tensor)
    }
}
