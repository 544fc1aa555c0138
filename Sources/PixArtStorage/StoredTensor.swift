/// Element types of stored tensors, named as in safetensors.
package enum ElementType: String, CaseIterable, Sendable {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int8 = "I8"
    case uint8 = "U8"

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .int8, .uint8: 1
        }
    }
}

/// A tensor in a file: name, type, shape and bytes. Keeps the mapping alive.
package struct StoredTensor: Sendable {
    package let name: String
    package let type: ElementType
    package let shape: [Int]
    /// Row-major elements, little-endian, at any alignment. Valid as long as `file` lives.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    package let file: MappedFile

    package init(name: String, type: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer, file: MappedFile) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.file = file
    }
}

/// The weights of one part of a checkpoint.
package protocol WeightSource: Sendable {
    /// The name of this source in messages, such as the path of a file or folder.
    var location: String { get }
    /// Names of all tensors, in no particular order.
    var names: [String] { get }
    /// The tensor called `name`; nil if there is none. Fails with `.model` if its type is not an `ElementType`.
    subscript(name: String) -> StoredTensor? { get throws(PixArtError) }
}
