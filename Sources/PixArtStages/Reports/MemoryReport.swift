import PixArtCompute
import PixArtFormats
import PixArtStorage

/// The memory of a stage, in bytes.
package struct MemoryReport: Sendable {
    package let weights: WeightFootprint
    /// What a call allocates besides the weights until it returns.
    package let activations: Int
    /// What the workers of an opened handle hold between calls; nil if there is no handle.
    package let held: Int?

    /// The most that the memory of the process may grow by.
    package var peak: Int { weights.resident + weights.mapped + activations }

    package init(weights: WeightFootprint, activations: Int, held: Int? = nil) {
        self.weights = weights
        self.activations = activations
        self.held = held
    }

    /// The report as hosts get it.
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
