import CLibraries
import PixArtStorage

/// The text chunks of a PNG file.
struct PNGText {
    /// Texts with more bytes than this are compressed.
    private static let long = 1024

    /// Keywords and texts as written to the file, each followed by NUL.
    private var bytes: [CChar] = []
    /// Positions in `bytes` of a chunk's keyword and text.
    private var chunks: [(keyword: Int, text: Int, isUTF8: Bool, isLong: Bool)] = []

    /// Adds a chunk. Fails with `.option` naming a keyword that PNG does not allow, or whose text contains a NUL.
    mutating func append(keyword: String, text: String) throws(PixArtError) {
        guard let key = PNGText.latin1(keyword), PNGText.isKeyword(key) else {
            throw .option(
                "text: keyword \"\(keyword)\" is not allowed in PNG; expected 1 to 79 characters of printable Latin-1 "
                    + "without leading, trailing or consecutive spaces")
        }
        guard !text.utf8.contains(0) else {
            throw .option("text: the text of \"\(keyword)\" contains a NUL; expected none")
        }
        let latin1 = PNGText.latin1(text)
        let content = latin1 ?? Array(text.utf8)
        chunks.append((bytes.count, bytes.count + key.count + 1, latin1 == nil, content.count > PNGText.long))
        bytes += (key + [0] + content + [0]).map(CChar.init(bitPattern:))
    }

    /// Calls `body` with the chunks as C structures, valid during the call.
    func withChunks<Result>(_ body: (UnsafeBufferPointer<native_png_text>) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            let texts = chunks.map { chunk in
                native_png_text(
                    keyword: bytes.baseAddress.map { $0 + chunk.keyword },
                    text: bytes.baseAddress.map { $0 + chunk.text },
                    utf8: chunk.isUTF8 ? 1 : 0, compressed: chunk.isLong ? 1 : 0)
            }
            return texts.withUnsafeBufferPointer(body)
        }
    }

    private static func isKeyword(_ bytes: [UInt8]) -> Bool {
        let space = UInt8(ascii: " ")
        return 1...79 ~= bytes.count && bytes.first != space && bytes.last != space && !bytes.contains(0x0A)
            && !zip(bytes, bytes.dropFirst()).contains { $0 == (space, space) }
    }

    /// `text` as Latin-1 of printable characters and line feeds, as PNG requires; nil if it contains others.
    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A, 0x20...0x7E, 0xA1...0xFF: bytes.append(UInt8(scalar.value))
            default: return nil
            }
        }
        return bytes
    }
}
