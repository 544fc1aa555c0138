import PixArtStorage

/// The images in a tensor, uint8 [B, H, W, channels] or [H, W, channels], rows from the top.
package struct ImageBatch {
    package let tensor: Tensor
    package let count, height, width, channels: Int

    /// Fails with `.argument` if the tensor, called `name` in messages, contains no images.
    package init(_ tensor: Tensor, _ name: String, channels allowed: [Int]) throws(PixArtError) {
        let shape = tensor.shape.count == 3 ? [1] + tensor.shape : tensor.shape
        guard tensor.element == .uint8, shape.count == 4, allowed.contains(shape[3]), shape.allSatisfy({ $0 > 0 })
        else {
            let last = allowed.count == 1 ? "\(allowed[0])" : "C"
            let numbers = allowed.map(String.init).joined(separator: ", ")
            throw .argument(
                "\(name) are \(tensor.description); expected uint8 [B, H, W, \(last)] or [H, W, \(last)]"
                    + (allowed.count == 1 ? "" : " with C one of \(numbers)"))
        }
        self.tensor = tensor
        (count, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    }

    /// Bytes of one image.
    package var size: Int { height * width * channels }

    /// One image; valid as long as the tensor lives.
    package func bytes(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: tensor.bytes[index * size..<(index + 1) * size])
    }
}
