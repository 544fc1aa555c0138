import PixArtFormats
import PixArtStorage

/// Where the weights of a part come from, for reports.
struct PartOrigin: Sendable {
    /// "safetensors", "gguf" or "pickle".
    let form: String
    /// How the file calls the tensors.
    let names: TensorNames
    /// What the names begin with in the file.
    let prefix: String
    /// Fields of the configuration that neither a file nor the tensors tell.
    let assumed: [Name: JSONValue]

    /// As hosts get it.
    var json: [Name: JSONValue] {
        [
            "form": .string(form), "names": .string(names.rawValue), "prefix": .string(prefix),
            "assumed": .object(assumed),
        ]
    }
}
