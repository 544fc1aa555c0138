import PixArtCompute
import PixArtFormats
import PixArtStorage

/// The network of a stage, from the configuration of a checkpoint. Opening, estimating and converting a network need
/// nothing else.
package protocol NetworkDescription: Sendable {
    associatedtype Network: Sendable
    associatedtype Memory: MemoryOptions

    /// Reads the configuration. Fails with `.file`, `.format` and `.model`.
    init(_ checkpoint: Checkpoint) throws(PixArtError)

    /// The network with its weights from `reader`, which checks them. With `streamed` it holds little more than one layer
    /// at a time. Fails with `.model` and `.memory`.
    func network(_ reader: WeightReader, compute: ComputePrecision, streamed: Bool) throws(PixArtError) -> Network

    /// The members of the configuration that reports show, by its keys.
    var architecture: [Name: JSONValue] { get }

    /// The memory of the weights that `reader` has read.
    func footprint(_ reader: WeightReader, streamed: Bool) -> WeightFootprint

    /// Bytes that a call of the size in `options` allocates besides the weights. `ownSide` is the side of an image in
    /// pixels if the options and the configuration give none. Fails with `.option`.
    func activationBytes(
        _ options: Memory, compute: ComputePrecision, ownSide: Int, _ pool: ThreadPool
    ) throws(PixArtError) -> Int

    /// Most rows of a product in a call of the size in `options`, if adapters may change the network.
    func gemmRows(_ options: Memory) throws(PixArtError) -> Int
}

extension NetworkDescription {
    package func gemmRows(_ options: Memory) throws(PixArtError) -> Int { 0 }

    package func footprint(_ reader: WeightReader, streamed: Bool) -> WeightFootprint { reader.footprint }
}
