import CLibraries
import Glibc
import PixArtStorage

/// Reads PNG images of any kind, and writes RGB images with 8 bits. From and to files and memory.
package enum PNGFile {
    /// An image to write.
    package struct Content {
        /// 1 to 2^31 - 1, as is `height`.
        package let width, height: Int
        /// `height` rows from the top, of `width` times three bytes: red, green, blue.
        package let pixels: UnsafeRawBufferPointer
        /// Text chunks before the image data, in this order. Printable Latin-1 with line feeds becomes a tEXt
        /// chunk, or zTXt if it is long. Other text becomes an iTXt chunk.
        package let text: [(keyword: String, text: String)]

        package init(
            width: Int, height: Int, pixels: UnsafeRawBufferPointer, text: [(keyword: String, text: String)] = []
        ) {
            self.width = width
            self.height = height
            self.pixels = pixels
            self.text = text
        }
    }

    /// Writes an image to `path` and replaces the file there when all is written. Fails as `encode` does, and with
    /// `.file`.
    package static func write(_ content: Content, path: String) throws(PixArtError) {
        try withEncoded(content) { bytes throws(PixArtError) in
            let file = try AtomicFile(path: path)
            try file.write(bytes)
            try file.commit()
        }
    }

    /// The bytes of the file, uint8 [N].
    ///
    /// Fails with `.argument` if size and pixels do not match. Fails with `.option` naming a keyword that is not 1
    /// to 79 characters of printable Latin-1 without leading, trailing or consecutive spaces, or whose text
    /// contains a NUL.
    package static func encode(_ content: Content) throws(PixArtError) -> Tensor {
        try withEncoded(content) { bytes throws(PixArtError) in
            try Tensor(.uint8, shape: [bytes.count]) { $0.copyMemory(from: bytes) }
        }
    }

    private static func withEncoded<Result>(
        _ content: Content, _ body: (UnsafeRawBufferPointer) throws(PixArtError) -> Result
    ) throws(PixArtError) -> Result {
        let (width, height, largest) = (content.width, content.height, Int(Int32.max))
        guard 1...largest ~= width, 1...largest ~= height else {
            throw .argument("image: \(width) x \(height) pixels; expected 1 to \(largest) along each side")
        }
        let (size, overflow) = (width * height).multipliedReportingOverflow(by: 3)
        guard !overflow, size == content.pixels.count else {
            throw .argument(
                "image: \(width) x \(height) pixels in \(content.pixels.count) bytes; expected 3 bytes per pixel")
        }
        var chunks = PNGText()
        for (keyword, text) in content.text { try chunks.append(keyword: keyword, text: text) }

        var message = [CChar](repeating: 0, count: 256)
        var count = 0
        let encoded = chunks.withChunks { chunks in
            native_png_encode(
                UInt32(width), UInt32(height), content.pixels.baseAddress?.assumingMemoryBound(to: UInt8.self),
                chunks.baseAddress, chunks.count, &count, &message, message.count)
        }
        guard let encoded else { throw .internal("libpng cannot encode the image: \(reason(in: message))") }
        defer { native_png_release(encoded) }
        return try body(UnsafeRawBufferPointer(start: encoded, count: count))
    }

    /// Most pixels along one side of an image that is read, and most pixels in all.
    private static let readable = (side: 1 << 16, pixels: 1 << 28)

    /// Reads an image from a file: uint8 [H, W, channels], rows from the top.
    ///
    /// `channels` is 1 (gray), 3 (RGB) or 4 (RGBA). Other channels are dropped, and missing ones are added: alpha
    /// is dropped or 255, gray becomes three equal colours, colours become luma by ITU-R 601. Palettes are looked
    /// up. 16 bits are rounded to 8 and fewer bits widened. The image is rotated by the orientation in the eXIf
    /// chunk. Gamma and colour profiles are ignored.
    ///
    /// Fails with `.file` and `.memory`. Fails with `.format` if the file is no PNG, is truncated or damaged, or
    /// has more than 2^16 pixels along a side or 2^28 in all.
    package static func read(path: String, channels: Int) throws(PixArtError) -> Tensor {
        let regular = try RegularFile(path: path)
        let descriptor = fcntl(regular.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .system(path, "cannot be opened") }
        guard let file = fdopen(descriptor, "rb") else {
            let reason = errno
            close(descriptor)
            throw .system(path, "cannot be opened", reason)
        }
        defer { fclose(file) }
        return try read(file, size: regular.size, name: path, channels: channels)
    }

    /// Reads an image from the bytes of a file, called `name` in messages. Fails as reading a file does, but not
    /// with `.file`.
    package static func read(
        memory: UnsafeRawBufferPointer, name: String, channels: Int
    ) throws(PixArtError) -> Tensor {
        guard let start = memory.baseAddress, !memory.isEmpty else {
            throw .format("\(name): has 0 bytes; expected a whole PNG file")
        }
        guard let file = fmemopen(UnsafeMutableRawPointer(mutating: start), memory.count, "rb") else {
            throw .memory("\(name): cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        return try read(file, size: memory.count, name: name, channels: channels)
    }

    private static func read(
        _ file: UnsafeMutablePointer<FILE>, size fileBytes: Int, name: String, channels: Int
    ) throws(PixArtError) -> Tensor {
        var room = [CChar](repeating: 0, count: 256)
        return try room.withUnsafeMutableBufferPointer { room throws(PixArtError) in
            let message = room
            func check(_ outcome: Int32) throws(PixArtError) {
                let why = reason(in: message)
                switch Int(outcome) {
                case NATIVE_PNG_OK: return
                case NATIVE_PNG_UNREADABLE: throw .file("\(name): cannot be read: \(why)")
                case NATIVE_PNG_NO_MEMORY: throw .memory("\(name): cannot be read: \(why)")
                default: throw .format("\(name): is not a whole PNG file: \(why)")
                }
            }
            var size = native_png_size()
            var decoder: OpaquePointer?
            try check(
                native_png_decode_begin(
                    file, Int32(channels), message.baseAddress!, message.count, &size, &decoder))
            defer { native_png_decode_end(decoder) }
            try require(size, in: fileBytes, name)
            let shape = [Int(size.height), Int(size.width), channels]
            var orientation = ImageOrientation.upright
            let stored = try Tensor(.uint8, shape: shape) { target throws(PixArtError) in
                guard let decoder, let start = target.bindMemory(to: UInt8.self).baseAddress else { return }
                try check(native_png_decode_pixels(decoder, start))
                orientation = ImageOrientation(rawValue: native_png_orientation(decoder)) ?? .upright
            }
            return try orientation.uprighted(stored)
        }
    }

    /// Fails with `.format` if an image is larger than allowed, or than a file of as many bytes can contain:
    /// nothing is compressed by more than a factor of a thousand.
    private static func require(_ size: native_png_size, in fileBytes: Int, _ name: String) throws(PixArtError) {
        let (width, height) = (Int(size.width), Int(size.height))
        guard max(width, height) <= readable.side, width * height <= readable.pixels else {
            throw .format(
                "\(name): has \(width) x \(height) pixels; expected at most \(readable.side) along a side and "
                    + "\(readable.pixels) in all")
        }
        guard size.bytes / 1100 <= UInt64(fileBytes) else {
            throw .format(
                "\(name): is not a whole PNG file: \(width) x \(height) pixels in \(fileBytes) bytes; expected more bytes"
            )
        }
    }

    private static func reason(in message: some Sequence<CChar>) -> String {
        String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
