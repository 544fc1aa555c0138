import PixArtFormats
import PixArtStorage

/// Float32 tensors on their way into a safetensors file.
package struct TensorFile {
    package typealias Tensor = (name: String, shape: [Int], values: [Float])

    package var tensors: [Tensor]
    package var metadata: [Name: String]

    package init(_ tensors: [Tensor] = [], metadata: [Name: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    package mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
        tensors.append((name, shape, values))
    }

    package func write(_ path: String) throws {
        let copies = tensors.map { tensor in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * tensor.values.count, alignment: 8)
            tensor.values.withUnsafeBytes { copy.copyMemory(from: $0) }
            return copy
        }
        defer { for copy in copies { copy.deallocate() } }
        let written = zip(tensors, copies).map { tensor, copy in
            (name: tensor.name, type: ElementType.float32, shape: tensor.shape, bytes: UnsafeRawBufferPointer(copy))
        }
        try SafetensorsWriter.write(path: path, tensors: written, metadata: metadata)
    }
}
