/// Which of diffusers' pipelines a checkpoint is made for, by the class that its `model_index.json` names.
///
/// What else sets PixArt-alpha and PixArt-Sigma apart (size conditions, position scale, latents) is in the parts'
/// configurations.
package enum Pipeline: String, CaseIterable, Sendable {
    case alpha = "PixArtAlphaPipeline"
    case sigma = "PixArtSigmaPipeline"

    /// Most tokens of a prompt where nobody says otherwise.
    var maximumTokens: Int { self == .alpha ? 120 : 300 }

    /// Whether runs of one step end at the predicted picture where nobody says otherwise.
    var endsSingleStepAtOriginal: Bool { self == .alpha }
}
