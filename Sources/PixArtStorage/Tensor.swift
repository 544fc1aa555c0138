import Glibc

/// A dense array in row-major order, immutable once created. Stages take and return these.
package final class Tensor: @unchecked Sendable {
    package enum Element: Sendable { case float32, uint8 }

    package let element: Element
    package let shape: [Int]
    /// float32 tensors and matrices can be views of the same buffer.
    package let buffer: AlignedBuffer

    /// Creates a tensor; `fill` writes all of its bytes. Dimensions are not negative. Fails with `.memory`.
    package init(
        _ element: Element, shape: [Int], fill: (UnsafeMutableRawBufferPointer) throws(PixArtError) -> Void
    ) throws(PixArtError) {
        guard let bytes = Self.bytes(element, shape) else { throw .memory("cannot allocate a tensor of \(shape)") }
        self.element = element
        self.shape = shape
        buffer = try AlignedBuffer(count: (bytes + 3) / 4)
        try fill(UnsafeMutableRawBufferPointer(start: buffer.start, count: bytes))
    }

    /// A float32 tensor of the elements at the start of a buffer. Nothing may write to the buffer from then on.
    package init(_ buffer: AlignedBuffer, shape: [Int]) {
        precondition(shape.elementCount.map { $0 <= buffer.count } == true)
        element = .float32
        self.shape = shape
        self.buffer = buffer
    }

    /// A float32 tensor with these elements. Their count must match the shape.
    package convenience init(shape: [Int], elements: [Float]) throws(PixArtError) {
        precondition(elements.count == shape.elementCount)
        try self.init(.float32, shape: shape) { bytes in elements.withUnsafeBytes { bytes.copyMemory(from: $0) } }
    }

    /// Bytes of a tensor; nil on overflow.
    package static func bytes(_ element: Element, _ shape: [Int]) -> Int? {
        guard let count = shape.elementCount else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: element == .float32 ? 4 : 1)
        return overflow ? nil : bytes
    }

    /// The elements. Valid as long as the tensor lives.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.start, count: Self.bytes(element, shape)!)
    }

    /// The elements of a float32 tensor.
    package var floats: [Float] {
        precondition(element == .float32)
        return withFloats { Array($0) }
    }

    /// Calls `body` with the elements of a float32 tensor, in place.
    package func withFloats<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(element == .float32)
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeBufferPointer(start: buffer.start, count: bytes.count / 4))
    }

    /// Fails with `.argument` if an element of a float32 tensor is NaN or infinite. Names the tensor and the first
    /// such element.
    package func requireFinite(_ name: String) throws(PixArtError) {
        precondition(element == .float32)
        let values = UnsafeBufferPointer<Float>(start: buffer.start, count: bytes.count / 4)
        // Only the largest exponent, that of NaN and the infinities, carries into the sign bit.
        var carried: UInt32 = 0
        for value in values { carried |= (value.bitPattern & 0x7fff_ffff) &+ 0x80_0000 }
        guard carried >> 31 == 1, let place = values.firstIndex(where: { !$0.isFinite }) else { return }
        var (rest, index) = (place, [Int]())
        for dimension in shape.reversed() {
            index.insert(rest % dimension, at: 0)
            rest /= dimension
        }
        throw .argument("\(name): element \(index) is \(values[place]); expected a finite number")
    }

    /// Type and shape, for messages: "float32 [2, 4, 8, 8]".
    package var description: String { "\(element) \(shape)" }
}
