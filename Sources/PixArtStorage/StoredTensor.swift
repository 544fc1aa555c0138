/// A tensor as it lies in a file: name, type, shape and bytes. Holds the mapping alive.
package struct StoredTensor: Sendable {
    package let name: String
    package let type: ElementType
    /// Of the elements, whatever blocks they lie in.
    package let shape: [Int]
    /// Whether the file does not say how many rows the elements make up, so that `shape` is only their number.
    package var isFlat = false
    /// Row-major elements, little-endian, at any alignment; valid as long as `owner` lives.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    /// What to call its file or folder in messages.
    package let location: String
    /// A mapped file, or memory that was made from one.
    package let owner: any AnyObject & Sendable

    package init(name: String, type: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer, file: MappedFile) {
        self.init(name: name, type: type, shape: shape, bytes: bytes, location: file.path, owner: file)
    }

    package init(
        name: String, type: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer, location: String,
        owner: any AnyObject & Sendable
    ) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.location = location
        self.owner = owner
    }

    /// Whether the bytes are a mapped file's, which the system can take back.
    package var isMapped: Bool { owner is MappedFile }

    /// Takes the pages of `part` of the bytes out of the process's memory if they are a mapped file's; they are read
    /// again when they are touched.
    package func discard(_ part: UnsafeRawBufferPointer) { (owner as? MappedFile)?.discard(part) }

    /// The same bytes under another name, or in another shape of as many elements.
    package func with(name: String? = nil, type: ElementType? = nil, shape: [Int]? = nil) -> StoredTensor {
        StoredTensor(
            name: name ?? self.name, type: type ?? self.type, shape: shape ?? self.shape, bytes: bytes,
            location: location, owner: owner)
    }

    /// Some of its rows, which are what its first dimension counts.
    package func rows(_ range: Range<Int>) -> StoredTensor {
        let row = shape[0] == 0 ? 0 : bytes.count / shape[0]
        return StoredTensor(
            name: name, type: type, shape: [range.count] + shape.dropFirst(),
            bytes: UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * row..<range.upperBound * row]),
            location: location, owner: owner)
    }
}

/// The weights of one part of a checkpoint.
package protocol WeightSource: Sendable {
    /// The name of this source in messages, such as the path of a file or folder.
    var location: String { get }
    /// Names of all tensors, in no particular order.
    var names: [String] { get }
    /// The tensor called `name`, or nil if there is none. Fails with `.model` if its type is not an `ElementType`.
    subscript(name: String) -> StoredTensor? { get throws(PixArtError) }
    /// The shape of the tensor called `name`, whatever its type; nil if there is none.
    func shape(of name: String) -> [Int]?
    /// Paths of the files that hold the tensors, for reports.
    var paths: [String] { get }
    /// Texts that the files carry.
    var metadata: [Name: String] { get }
}

extension WeightSource {
    package func shape(of name: String) -> [Int]? { (try? self[name])?.shape }
    package var paths: [String] { [location] }
    package var metadata: [Name: String] { [:] }
}
