internal import PixArtFormats
internal import PixArtStages
internal import PixArtStorage

/// An image: RGB, 8 bits a channel, rows from the top.
public struct Image: Sendable {
    public let width: Int
    public let height: Int
    /// uint8 [height, width, 3].
    let tensor: PixArtStorage.Tensor

    /// Fails with `.argument` if the bytes are not `3 * width * height`, or if a side is below 1.
    public init(width: Int, height: Int, bytes: some Collection<UInt8>) throws(PixArtError) {
        guard width > 0, height > 0 else {
            throw PixArtError(.argument, "the image has \(width) x \(height) pixels; expected at least 1 x 1")
        }
        try self.init(Tensor(shape: [height, width, 3], bytes: bytes).stored)
    }

    /// uint8 [H, W, 3].
    init(_ tensor: PixArtStorage.Tensor) throws(PixArtError) {
        let batch = try translatingErrors { () throws(PixArtStorage.PixArtError) in
            try ImageBatch(tensor, "image", channels: [3])
        }
        (width, height) = (batch.width, batch.height)
        self.tensor = tensor
    }

    /// Red, green and blue of each pixel, row by row.
    public var bytes: [UInt8] { Tensor(tensor).bytes }

    /// Reads a PNG file of any kind, and applies its Exif orientation. Fails with `.file`, `.format` and `.memory`.
    public init(contentsOf path: String) throws(PixArtError) {
        try self.init(
            translatingErrors { () throws(PixArtStorage.PixArtError) in
                try ImageFiles.read(path: withoutNUL(path, "path"), PixArtStages.ImageReadOptions(json: nil))
            })
    }

    /// Reads the bytes of a PNG file. Fails as reading a file does.
    public init(pngData data: some Collection<UInt8>) throws(PixArtError) {
        let bytes = Array(data)
        try self.init(
            translatingErrors { () throws(PixArtStorage.PixArtError) in
                let options = try PixArtStages.ImageReadOptions(json: nil)
                let result = bytes.withUnsafeBytes { bytes in
                    Result { () throws(PixArtStorage.PixArtError) in try ImageFiles.read(data: bytes, options) }
                }
                return try result.get()
            })
    }

    /// Writes a PNG file. `path` holds either the old content or all of the new.
    ///
    /// - Parameter text: The file's text chunks, such as `["prompt": "a cat", "seed": "7"]`. A keyword has 1 to 79
    ///   Latin-1 characters.
    ///
    /// Fails with `.file`, and with `.option` if a keyword cannot be stored.
    public func write(to path: String, text: [String: String] = [:]) throws(PixArtError) {
        try translatingErrors { () throws(PixArtStorage.PixArtError) in
            try ImageFiles.write(
                tensor, index: 0, path: withoutNUL(path, "path"), ImageWriteOptions(text: text).read())
        }
    }

    /// The bytes of a PNG file. Fails as `write(to:text:)` does, but not with `.file`.
    public func pngData(text: [String: String] = [:]) throws(PixArtError) -> [UInt8] {
        Tensor(
            try translatingErrors { () throws(PixArtStorage.PixArtError) in
                try ImageFiles.encode(tensor, index: 0, ImageWriteOptions(text: text).read())
            }
        ).bytes
    }

    /// The image in another size, by the Lanczos filter. Fails with `.option`.
    public func resized(_ options: ImageResizeOptions) throws(PixArtError) -> Image {
        try Image(
            translatingErrors { () throws(PixArtStorage.PixArtError) in
                try ImageFiles.resized(tensor, options.read())
            })
    }

    /// This image where the mask is 128 or more, `original` elsewhere.
    ///
    /// - Parameter mask: uint8 [height, width], or with a last dimension of 1.
    ///
    /// Fails with `.argument` if the sizes differ.
    public func blended(over original: Image, mask: Tensor) throws(PixArtError) -> Image {
        try Image(
            translatingErrors { () throws(PixArtStorage.PixArtError) in
                try ImageBlend.blended(tensor, over: original.tensor, mask: mask.stored)
            })
    }

    /// The edges of the image by the network HED, as a control image for a ControlNet.
    ///
    /// - Parameter model: `ControlNetHED.pth`, or the folder that has it.
    public func edges(
        model: String, options: ImageEdgesOptions = ImageEdgesOptions(), progress: ProgressHandler? = nil
    ) async throws -> Image {
        let edges = try await CallThread.run(progress) { [tensor] () throws(PixArtStorage.PixArtError) in
            try EdgeMaps.edges(of: tensor, model: withoutNUL(model, "model"), options.read())
        }
        return try Image(edges)
    }
}

extension Image: Equatable {
    public static func == (left: Image, right: Image) -> Bool { Tensor(left.tensor) == Tensor(right.tensor) }
}

extension Tensor {
    /// Images of one size as a batch, uint8 [B, H, W, 3]. Fails with `.argument` if there is none, or if sizes differ.
    public init(_ images: [Image]) throws(PixArtError) {
        guard let first = images.first else {
            throw PixArtError(.argument, "there are no images; expected at least one")
        }
        for (index, image) in images.enumerated() where (image.width, image.height) != (first.width, first.height) {
            throw PixArtError(
                .argument,
                "images[\(index)] has \(image.width) x \(image.height) pixels; expected \(first.width) x \(first.height) as "
                    + "images[0] has")
        }
        try self.init(
            shape: [images.count, first.height, first.width, 3], bytes: images.flatMap { Tensor($0.tensor).bytes })
    }

    /// The images of a batch, uint8 [B, H, W, 3] or [H, W, 3]. Fails with `.argument` if it has another type or shape.
    public func images() throws(PixArtError) -> [Image] {
        let batch = try translatingErrors { () throws(PixArtStorage.PixArtError) in
            try ImageBatch(stored, "images", channels: [3])
        }
        var images: [Image] = []
        for index in 0..<batch.count {
            images.append(try Image(width: batch.width, height: batch.height, bytes: batch.bytes(index)))
        }
        return images
    }
}
