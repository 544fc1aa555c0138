import PixArtFormats
import PixArtStorage

/// A file of weights, and the networks that it holds. Its names are read once, whatever is then asked.
struct SingleFile: Sendable {
    /// Under the names of the file.
    let raw: any WeightSource
    private let networks: [Part: Result<CanonicalWeights?, PixArtError>]

    /// Opens the file at `path`, with `weights` as for `WeightFile.open`. Fails as that does, and with `.model` and
    /// `.format` if weights are quantized in a form that is not read.
    init(path: String, weights: String?) throws(PixArtError) {
        raw = try WeightFile.open(path, weights: weights)
        let unpacked = try UnpackedSource(raw)
        var networks: [Part: Result<CanonicalWeights?, PixArtError>] = [:]
        for part in Part.allCases {
            networks[part] = Result { () throws(PixArtError) in try CanonicalWeights(unpacked, kinds: part.kinds) }
        }
        self.networks = networks
    }

    /// The network that is a part; nil if there is none. Fails with `.format` if two tensors get one name.
    func network(_ part: Part) throws(PixArtError) -> CanonicalWeights? { try networks[part]?.get() ?? nil }
}
