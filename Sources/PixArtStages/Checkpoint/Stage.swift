/// What a host can open of a checkpoint, by its verb.
package enum Stage: String, CaseIterable, Sendable {
    case encode
    case denoise
    case decode
    case encodeImage = "encode_image"

    /// The part whose weights it uses.
    package var part: Part {
        switch self {
        case .encode: .textEncoder
        case .denoise: .transformer
        case .decode, .encodeImage: .vae
        }
    }
}
