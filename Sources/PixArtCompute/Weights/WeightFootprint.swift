/// What the weights of a network take of memory, in bytes.
package struct WeightFootprint: Sendable, Equatable {
    /// Matrices in memory of their own, because they were converted.
    package var convertedMatrices = 0
    /// Matrices that are used where the file has them.
    package var mappedMatrices = 0
    /// Tables whose rows are looked up in the file.
    package var mappedTables = 0
    /// Biases, norms and other small tensors, which are copied.
    package var vectors = 0

    package init() {}

    /// Memory of the process's own.
    package var resident: Int { convertedMatrices + vectors }
    /// Pages of files, which are read when they are touched, and which the system can take back.
    package var mapped: Int { mappedMatrices + mappedTables }

    /// The same where matrices are held for one of `layers` equal layers at a time.
    package func streamed(layers: Int) -> WeightFootprint {
        var one = self
        one.convertedMatrices /= max(layers, 1)
        one.mappedMatrices /= max(layers, 1)
        return one
    }

    /// Counts a matrix that is held in `encoding`.
    mutating func add(_ matrix: WeightMatrix, as encoding: WeightEncoding) {
        if encoding != matrix.encoding {
            convertedMatrices += encoding.bytes(outputs: matrix.outputs, inputs: matrix.inputs)
        } else if matrix.isMapped {
            mappedMatrices += matrix.bytes
        } else {
            convertedMatrices += matrix.bytes
        }
    }
}
