import PixArtStorage

/// Blends images with their originals under a mask.
package enum ImageBlend {
    /// The lowest mask value that selects the image.
    package static let threshold: UInt8 = 128

    /// Images if the mask is 128 or more, else originals, in the shape of `images`.
    ///
    /// - Parameters:
    ///   - images: uint8 [B, H, W, C] or [H, W, C] with 1, 3 or 4 channels.
    ///   - originals: of the same size; as many as images, or one for all.
    ///   - mask: uint8 [H, W], [B, H, W] or [1, H, W], optionally with a last dimension of 1.
    ///
    /// Fails with `.argument` if they do not match.
    package static func blended(_ images: Tensor, over originals: Tensor, mask: Tensor) throws(PixArtError) -> Tensor {
        let front = try ImageBatch(images, "images", channels: [1, 3, 4])
        let back = try ImageBatch(originals, "originals", channels: [1, 3, 4])
        let (count, height, width, channels) = (front.count, front.height, front.width, front.channels)
        guard (back.height, back.width, back.channels) == (height, width, channels), [1, count].contains(back.count)
        else {
            throw .argument(
                "originals are \(originals.description); expected images of \(height) x \(width) x \(channels), one or "
                    + "\(count), as images are \(images.description)")
        }
        let masks = try ImageBatch(mask: mask, count: count, height: height, width: width)
        return try Tensor(.uint8, shape: images.shape) { target in
            for index in 0..<count {
                let image = front.bytes(index)
                let original = back.bytes(back.count == 1 ? 0 : index)
                let choice = masks.bytes(masks.count == 1 ? 0 : index)
                let place = index * front.size
                for pixel in 0..<height * width {
                    let source = choice[pixel] >= threshold ? image : original
                    for byte in pixel * channels..<(pixel + 1) * channels { target[place + byte] = source[byte] }
                }
            }
        }
    }
}

extension ImageBatch {
    /// A mask for `count` images, or one for all: uint8 [H, W], [count or 1, H, W], optionally with a last
    /// dimension of 1. Fails with `.argument`.
    package init(mask: Tensor, count: Int, height: Int, width: Int) throws(PixArtError) {
        let shapes = [[height, width], [1, height, width], [count, height, width]]
        let masks = shapes.contains(mask.shape) ? mask.shape.dropLast(2).first ?? 1 : nil
        let others = shapes.contains(Array(mask.shape.dropLast())) && mask.shape.last == 1
        guard mask.element == .uint8, masks != nil || others else {
            throw .argument(
                "mask is \(mask.description); expected uint8 [\(height), \(width)] or "
                    + "[\(count == 1 ? "1" : "1 or \(count)"), \(height), \(width)], optionally with a last dimension of 1"
            )
        }
        tensor = mask
        self.count = masks ?? (mask.shape.count == 4 ? mask.shape[0] : 1)
        (self.height, self.width, channels) = (height, width, 1)
    }
}
