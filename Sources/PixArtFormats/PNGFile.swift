import CNative
import PixArtCompute

/// Writes PNG files: 8 bits, RGB.
package enum PNGFile {
    /// Writes an image to `path`, in place of what is there once all is written.
    ///
    /// - Parameters:
    ///   - width: 1 to 2^31 - 1; and so is `height`.
    ///   - pixels: `height` rows from the top, of `width` times three bytes: red, green, blue.
    ///   - text: what the file says about itself, before the image and in this order. A text of printable Latin-1 and line
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
            let reason = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw .internal("\(path): libpng cannot encode the image: \(reason)")
        }
        defer { native_png_release(encoded) }
        let file = try ReplacementFile(path: path)
        try file.write(UnsafeRawBufferPointer(start: encoded, count: count))
        try file.commit()
    }
}
