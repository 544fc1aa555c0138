internal import PixArtStorage

/// A dense array in row-major order, immutable. Embeddings and latents are float32, images uint8.
///
/// Copies share their elements.
public struct Tensor: Sendable {
    public enum ElementType: Hashable, Sendable { case float32, uint8 }

    let stored: PixArtStorage.Tensor

    init(_ stored: PixArtStorage.Tensor) { self.stored = stored }

    /// A float32 tensor. Fails with `.argument` if the elements are not as many as the shape says.
    public init(shape: [Int], floats: [Float]) throws(PixArtError) {
        try self.init(.float32, shape, count: floats.count) { bytes in
            floats.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
    }

    /// A uint8 tensor. Fails with `.argument` if the elements are not as many as the shape says.
    public init(shape: [Int], bytes elements: some Collection<UInt8>) throws(PixArtError) {
        try self.init(.uint8, shape, count: elements.count) { $0.copyBytes(from: elements) }
    }

    private init(
        _ type: PixArtStorage.Tensor.Element, _ shape: [Int], count: Int,
        _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(PixArtError) {
        stored = try translatingErrors { () throws(PixArtStorage.PixArtError) in
            guard shape.count <= 8 else { throw .argument("shape has \(shape.count) dimensions; expected at most 8") }
            guard shape.allSatisfy({ $0 >= 0 }) else {
                throw .argument("shape is \(shape); expected no negative dimension")
            }
            guard shape.elementCount == count else {
                throw .argument("there are \(count) elements; expected as many as \(type) \(shape) has")
            }
            return try PixArtStorage.Tensor(type, shape: shape) { bytes in fill(bytes) }
        }
    }

    public var shape: [Int] { stored.shape }

    public var elementType: ElementType {
        switch stored.element {
        case .float32: .float32
        case .uint8: .uint8
        }
    }

    /// Calls `body` with the elements, which lie in memory one after the other.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(stored) {} }
        return try body(stored.bytes)
    }

    /// A copy of the elements of a float32 tensor; empty for others.
    public var floats: [Float] { stored.element == .float32 ? stored.floats : [] }

    /// A copy of the bytes of the elements.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension Tensor: Equatable {
    /// Whether type, shape and bytes are equal.
    public static func == (left: Tensor, right: Tensor) -> Bool {
        guard left.elementType == right.elementType, left.shape == right.shape else { return false }
        return left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
    }
}

extension Tensor: CustomStringConvertible {
    /// Type and shape: "float32 [1, 4, 8, 8]".
    public var description: String { stored.description }
}
