import PixArtNetworks

/// What one prediction of a step is made under: a role in guidance, and an embedding for each prompt of the batch.
struct Conditioning: Sendable {
    enum Role: Sendable {
        /// The prompts.
        case prompt
        /// The negative prompts, which guidance moves away from.
        case negative
        /// The prompts without self-attention in some blocks, which guidance moves away from.
        case perturbed
    }

    let role: Role
    /// One for each prompt of the batch.
    let prompts: [PixArtTransformer.PromptConditioning]

    /// The items of the prediction, of which each prompt has the same number: `images` in all.
    func segments(images: Int) -> [PixArtTransformer.BatchSegment] {
        prompts.map { .init($0, items: images / prompts.count, isPerturbed: role == .perturbed) }
    }
}
