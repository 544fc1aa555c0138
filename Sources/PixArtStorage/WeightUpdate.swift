/// What an adapter changes of a weight [outputs, inputs]. The inputs of a convolution are its channels and the places of
/// its kernel, flattened.
package struct WeightUpdate: Sendable {
    /// A matrix, whole or as the product of [rows, rank] and [rank, columns].
    package enum Factor: Sendable {
        case whole(StoredTensor)
        case product(up: StoredTensor, down: StoredTensor)
    }

    /// What is added to the weight, before it is scaled.
    package enum Difference: Sendable {
        /// LoRA: up [outputs, rank] times down [rank, inputs].
        case lowRank(up: StoredTensor, down: StoredTensor)
        /// LoHa: the elementwise product of two matrices [outputs, inputs].
        case hadamard(Factor, Factor)
        /// LoKr: the rows from `firstRow` on of the Kronecker product of two matrices.
        case kronecker(Factor, Factor, firstRow: Int)
    }

    /// DoRA: lengths that the rows or columns of the changed weight get.
    package struct Decomposition: Sendable {
        package enum Axis: Sendable { case outputs, inputs }

        /// What the strength of an adapter acts on.
        package enum Strength: Sendable {
            /// The difference, before the lengths are set: PEFT.
            case difference
            /// The whole change: OneTrainer and ComfyUI.
            case change
            /// How far the lengths are set, after the whole difference: LyCORIS.
            case lengths
        }

        /// One for each output, or for each run of as many inputs as make up all of them.
        package let magnitudes: [Float]
        package let axis: Axis
        package let strength: Strength

        package init(magnitudes: [Float], axis: Axis, strength: Strength) {
            self.magnitudes = magnitudes
            self.axis = axis
            self.strength = strength
        }
    }

    package let difference: Difference
    package let outputs: Int
    package let inputs: Int
    /// nil for a Kronecker product of whole matrices.
    package let rank: Int?
    /// What the difference is multiplied by, without the adapter's strength.
    package let scale: Float
    package let decomposition: Decomposition?

    package init(
        _ difference: Difference, outputs: Int, inputs: Int, rank: Int?, scale: Float,
        _ decomposition: Decomposition? = nil
    ) {
        self.difference = difference
        self.outputs = outputs
        self.inputs = inputs
        self.rank = rank
        self.scale = scale
        self.decomposition = decomposition
    }

    /// The factors of a difference that can be multiplied with activations; nil if it has to be merged.
    package var lowRank: (up: StoredTensor, down: StoredTensor)? {
        guard decomposition == nil, case .lowRank(let up, let down) = difference else { return nil }
        return (up, down)
    }
}
