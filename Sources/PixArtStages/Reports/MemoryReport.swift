import PixArtCompute
import PixArtFormats
import PixArtStorage

/// What a stage takes of memory, in bytes.
package struct MemoryReport: Sendable {
    package let weights: WeightFootprint
    /// Of a run: what is allocated beside the weights while it lasts.
    package let activations: Int
    /// What an opened handle's workers hold between runs; nil where there is no handle.
    package let held: Int?

    /// The most that the process may grow by.
    package var peak: Int { weights.resident + weights.mapped + activations }

    package init(weights: WeightFootprint, activations: Int, held: Int? = nil) {
        self.weights = weights
        self.activations = activations
        self.held = held
    }

    /// As hosts get it.
    package var json: JSONValue {
        var members: [Name: JSONValue] = [
            "weights_resident": .integer(Int64(weights.resident)),
            "weights_mapped": .integer(Int64(weights.mapped)),
            "activations": .integer(Int64(activations)),
            "peak": .integer(Int64(peak)),
        ]
        if let held { members["activations_held"] = .integer(Int64(held)) }
        return .object(members)
    }
}
