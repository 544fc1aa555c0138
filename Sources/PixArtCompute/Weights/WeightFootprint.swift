/// Memory of the weights of a network, in bytes.
package struct WeightFootprint: Sendable, Equatable {
    /// Converted matrices in private memory.
    package var convertedMatrices = 0
    /// Matrices used in place in the mapped file.
    package var mappedMatrices = 0
    /// Tables whose rows are read from the mapped file.
    package var mappedTables = 0
    /// Of the mapped matrices: those of layers whose pages can be dropped in turn, and the most of one such layer.
    package var droppable = 0, largestDroppable = 0
    /// Biases, norms and other small tensors, which are copied.
    package var vectors = 0

    /// Most ranks that adapters add to a layer beside its weight.
    package var largestRank = 0

    package init() {}

    /// What a call of `rows` rows allocates for updates of adapters on the workers of `pool`, in bytes.
    package func updateBytes(rows: Int, _ pool: ThreadPool) -> Int {
        // Queries, keys and values are computed together; each worker packs a task's panels.
        largestRank * (3 * 4 * rows + pool.count * 4 * Panel.width * Linear.maximumPanels.passing)
    }

    /// Private memory of the process.
    package var resident: Int { convertedMatrices + vectors }
    /// Pages of mapped files. They are read when they are touched, and the system can drop them.
    package var mapped: Int { mappedMatrices + mappedTables }

    package static func + (left: WeightFootprint, right: WeightFootprint) -> WeightFootprint {
        var sum = left
        sum.convertedMatrices += right.convertedMatrices
        sum.mappedMatrices += right.mappedMatrices
        sum.mappedTables += right.mappedTables
        sum.vectors += right.vectors
        sum.droppable += right.droppable
        sum.largestDroppable = max(sum.largestDroppable, right.largestDroppable)
        return sum
    }

    /// The same if matrices are held for one of `layers` equal layers at a time.
    package func streamed(layers: Int) -> WeightFootprint {
        var one = self
        one.convertedMatrices /= max(layers, 1)
        one.mappedMatrices /= max(layers, 1)
        return one
    }

    /// The same if the mapped pages of a layer are dropped before the next one is used.
    package func dropping() -> WeightFootprint {
        var dropped = self
        dropped.mappedMatrices -= droppable - largestDroppable
        return dropped
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
