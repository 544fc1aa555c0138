import PixArtStorage

/// Dimensions of a batch of latent images, [B, C, Y, X]. Only this file knows where an element lies.
package struct LatentShape: Equatable, Sendable {
    /// Pixels along one side of a latent, for all published PixArt checkpoints.
    package static let scale = 8

    /// B
    package let images: Int
    /// C
    package let channels: Int
    /// Y and X
    package let height, width: Int

    package init(images: Int, channels: Int, height: Int, width: Int) {
        self.images = images
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// The shape of a tensor; nil if it is not float32 with four dimensions.
    package init?(_ tensor: Tensor) {
        guard tensor.element == .float32, tensor.shape.count == 4 else { return nil }
        self.init(
            images: tensor.shape[0], channels: tensor.shape[1], height: tensor.shape[2], width: tensor.shape[3])
    }

    package var dimensions: [Int] { [images, channels, height, width] }

    /// Elements of one channel of an image, Y*X.
    package var plane: Int { height * width }
    /// Elements of one image, C*Y*X.
    package var item: Int { channels * plane }
    /// All elements.
    package var count: Int { images * item }

    /// Index of the element at `position`, in row-major order, of a channel of an image.
    package func index(_ image: Int, _ channel: Int, _ position: Int) -> Int {
        (image * channels + channel) * plane + position
    }

    /// The same index in [B, Y, X], without channels.
    package func position(of index: Int) -> Int { index / item * plane + index % plane }

    package func with(images: Int, channels: Int) -> LatentShape {
        LatentShape(images: images, channels: channels, height: height, width: width)
    }
}

/// A batch of latent images, float32 [B, C, Y, X].
package struct Latents: Sendable {
    package let shape: LatentShape
    /// In the order of `shape.index`.
    package var values: [Float]

    /// `values` must match the shape.
    package init(_ shape: LatentShape, _ values: [Float]) {
        precondition(values.count == shape.count)
        self.shape = shape
        self.values = values
    }

    /// The elements of a tensor, float32 [B, C, Y, X].
    package init(_ tensor: Tensor) {
        guard let shape = LatentShape(tensor) else { preconditionFailure("\(tensor.description) are no latents") }
        self.init(shape, tensor.floats)
    }

    /// The latents as a tensor. Fails with `.memory`.
    package func tensor() throws(PixArtError) -> Tensor { try Tensor(shape: shape.dimensions, elements: values) }

    /// The batch, repeated so many times.
    package func repeated(_ times: Int) -> Latents {
        Latents(
            shape.with(images: times * shape.images, channels: shape.channels),
            (0..<times).flatMap { _ in values })
    }

    /// Some channels of each of `count` equal parts of the batch.
    package func parts(_ count: Int, channels: Range<Int>) -> [Latents] {
        let part = shape.with(images: shape.images / count, channels: channels.count)
        return (0..<count).map { index in
            var elements: [Float] = []
            elements.reserveCapacity(part.count)
            for image in index * part.images..<(index + 1) * part.images {
                elements +=
                    values[
                        shape.index(image, channels.lowerBound, 0)..<shape.index(image, channels.upperBound, 0)]
            }
            return Latents(part, elements)
        }
    }
}
