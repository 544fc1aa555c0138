import CLibraries
import Glibc
import PixArtStorage

/// Reads PNG files of any kind, and writes them: 8 bits, RGB.
package enum PNGFile {
    /// Writes an image to `path`, in place of what is there once all is written.
    ///
    /// - Parameters:
    ///   - width: 1 to 2^31 - 1; and so is `height`.
    ///   - pixels: `height` rows from the top, of `width` times three bytes: red, green, blue.
    ///   - text: what the file says about itself, before the image and in this order. A text of printable Latin-1 and
    ///     line
    ///     feeds becomes a tEXt chunk, or zTXt where it is long; any other becomes an iTXt chunk.
    ///
    /// Fails with `.argument` where size and pixels do not fit; with `.option` naming a keyword that is not 1 to 79
    /// characters of printable Latin-1 without leading, trailing or consecutive spaces, or whose text holds a NUL; and
    /// with `.file`.
    package static func write(
        path: String, width: Int, height: Int, pixels: UnsafeRawBufferPointer,
        text: [(keyword: String, text: String)] = []
    ) throws(PixArtError) {
        let largest = Int(Int32.max)
        guard 1...largest ~= width, 1...largest ~= height else {
            throw .argument("an image of \(width) x \(height) pixels; PNG takes 1 to \(largest) either way")
        }
        let (size, overflow) = (width * height).multipliedReportingOverflow(by: 3)
        guard !overflow, size == pixels.count else {
            throw .argument("an image of \(width) x \(height) pixels in \(pixels.count) bytes; expected 3 bytes each")
        }
        var chunks = PNGText()
        for (keyword, text) in text { try chunks.append(keyword: keyword, text: text) }

        var message = [CChar](repeating: 0, count: 256)
        var count = 0
        let encoded = chunks.withChunks { chunks in
            native_png_encode(
                UInt32(width), UInt32(height), pixels.baseAddress?.assumingMemoryBound(to: UInt8.self),
                chunks.baseAddress, chunks.count, &count, &message, message.count)
        }
        guard let encoded else {
            throw .internal("\(path): libpng cannot encode the image: \(reason(in: message))")
        }
        defer { native_png_release(encoded) }
        let file = try AtomicFile(path: path)
        try file.write(UnsafeRawBufferPointer(start: encoded, count: count))
        try file.commit()
    }

    /// Pixels along one side of an image that is read, at most, and all of them.
    private static let readable = (side: 1 << 16, pixels: 1 << 28)

    /// Reads an image: uint8 [H, W, channels], rows from the top.
    ///
    /// `channels` is 1 (grey), 3 (RGB) or 4 (RGBA); what the file has besides is left out, and what it lacks is made
    /// up: alpha is dropped or 255, grey becomes three equal colours, colours become luma by ITU-R 601. Palettes are
    /// looked up, 16 bits rounded to 8 and fewer widened. The image is turned upright by the orientation in the eXIf
    /// chunk. Gamma and colour profiles make no difference.
    ///
    /// Fails with `.file`; with `.format` where the file is no PNG, truncated or damaged, or larger than 2^16 pixels
    /// along a side or 2^28 in all; and with `.memory`.
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
        let fileBytes = regular.size

        var room = [CChar](repeating: 0, count: 256)
        return try room.withUnsafeMutableBufferPointer { room throws(PixArtError) in
            let message = room
            func check(_ outcome: Int32) throws(PixArtError) {
                let why = reason(in: message)
                switch Int(outcome) {
                case NATIVE_PNG_OK: return
                case NATIVE_PNG_UNREADABLE: throw .file("\(path): cannot be read: \(why)")
                case NATIVE_PNG_NO_MEMORY: throw .memory("\(path): cannot be read: \(why)")
                default: throw .format("\(path): is not a whole PNG file: \(why)")
                }
            }
            var size = native_png_size()
            var decoder: OpaquePointer?
            try check(
                native_png_decode_begin(
                    file, Int32(channels), message.baseAddress!, message.count, &size, &decoder))
            defer { native_png_decode_end(decoder) }
            try require(size, in: fileBytes, path)
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

    /// Fails with `.format` where an image is larger than may be, or than a file of as many bytes can hold: nothing is
    /// compressed to less than a thousandth.
    private static func require(_ size: native_png_size, in fileBytes: Int, _ path: String) throws(PixArtError) {
        let (width, height) = (Int(size.width), Int(size.height))
        guard max(width, height) <= readable.side, width * height <= readable.pixels else {
            throw .format(
                "\(path): has \(width) x \(height) pixels, expected at most \(readable.side) along a side and "
                    + "\(readable.pixels) in all")
        }
        guard size.bytes / 1100 <= UInt64(fileBytes) else {
            throw .format("\(path): is not a whole PNG file: \(width) x \(height) pixels are not in \(fileBytes) bytes")
        }
    }

    private static func reason(in message: some Sequence<CChar>) -> String {
        String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
