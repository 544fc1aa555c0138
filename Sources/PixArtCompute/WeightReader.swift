/// Hands a network its weights by name and shape, and knows at the end which tensors nobody asked for.
///
/// All failures are `.model` errors that name the source, the tensor, what was found and what was expected.
package final class WeightReader {
    private let source: any WeightSource
    private let names: Set<String>
    private var taken: Set<String> = []

    package init(_ source: any WeightSource) {
        self.source = source
        names = Set(source.names)
    }

    /// Whether there is a tensor of this name.
    package func contains(_ name: String) -> Bool { names.contains(name) }

    /// A linear layer's weight, [outputs, inputs].
    package func matrix(_ name: String, outputs: Int, inputs: Int) throws(PixArtError) -> WeightMatrix {
        try WeightMatrix(tensor(name, [outputs, inputs]), outputs: outputs, inputs: inputs)
    }

    /// A convolution's weight as a linear layer's: [outputs, channels, kernel, kernel] with `inputs = channels * kernel²`.
    package func matrix(_ name: String, outputs: Int, channels: Int, kernel: Int) throws(PixArtError) -> WeightMatrix {
        let stored = try tensor(name, [outputs, channels, kernel, kernel])
        return try WeightMatrix(stored, outputs: outputs, inputs: channels * kernel * kernel)
    }

    /// A small tensor, such as a bias or a norm, as float32 elements in memory.
    package func floats(_ name: String, _ shape: [Int]) throws(PixArtError) -> [Float] {
        let count = shape.reduce(1, *)
        let weight = try WeightMatrix(tensor(name, shape), outputs: 1, inputs: count)
        return [Float](unsafeUninitializedCapacity: count) { elements, written in
            if let start = elements.baseAddress, count > 0 { weight.widen(outputs: 0..<1, to: start) }
            written = count
        }
    }

    /// Fails where the source holds a tensor that was not asked for, unless its name starts with one of `prefixes`.
    package func finish(ignoring prefixes: [String] = []) throws(PixArtError) {
        let unknown = names.subtracting(taken).filter { name in
            !prefixes.contains { name.hasPrefix($0) }
        }
        guard let first = unknown.min() else { return }
        let others = unknown.count > 1 ? " and \(unknown.count - 1) more are" : " is"
        throw .model("\(source.location): tensor \"\(first)\"\(others) not part of this architecture")
    }

    private func tensor(_ name: String, _ shape: [Int]) throws(PixArtError) -> StoredTensor {
        guard let stored = try source[name] else {
            throw .model("\(source.location): tensor \"\(name)\" is missing")
        }
        taken.insert(name)
        guard stored.shape == shape else {
            throw .model("\(source.location): tensor \"\(name)\" has shape \(stored.shape), expected \(shape)")
        }
        switch stored.type {
        case .float32, .float16, .bfloat16: return stored
        case .uint8:
            throw .model(
                "\(source.location): tensor \"\(name)\" has type \(stored.type.rawValue), expected F32, F16 or BF16")
        }
    }
}
