import Foundation
import Testing

/// A PNG file (8-bit RGB without interlace), read from the specification without libpng. Only inflating uses zlib,
/// which is looked up in the process.
struct PNGImage {
    struct Chunk {
        let type: String
        let data: [UInt8]
    }

    let chunks: [Chunk]
    let width: Int
    let height: Int
    let pixels: [UInt8]

    init(path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        chunks = try Self.chunks(of: bytes)
        let header = try #require(chunks.first)
        try #require(header.type == "IHDR" && header.data.count == 13)
        #expect(Array(header.data[8...]) == [8, 2, 0, 0, 0])
        let last = try #require(chunks.last)
        #expect(last.type == "IEND" && last.data.isEmpty)
        width = Self.integer(header.data[0...])
        height = Self.integer(header.data[4...])
        let data = chunks.filter { $0.type == "IDAT" }.flatMap(\.data)
        let filtered = try Self.inflate(data, capacity: height * (1 + 3 * width))
        pixels = try Self.unfilter(filtered, width: width, height: height)
    }

    /// The chunks of a file. Checks their frames and checksums.
    static func chunks(of bytes: [UInt8]) throws -> [Chunk] {
        #expect(Array(bytes.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        var chunks: [Chunk] = []
        var at = 8
        while at < bytes.count {
            try #require(at + 12 <= bytes.count)
            let size = Self.integer(bytes[at...])
            try #require(at + 12 + size <= bytes.count)
            let body = Array(bytes[at + 4..<at + 8 + size])
            #expect(Self.integer(bytes[(at + 8 + size)...]) == Self.crc(body))
            chunks.append(Chunk(type: String(decoding: body.prefix(4), as: UTF8.self), data: Array(body.dropFirst(4))))
            at += 12 + size
        }
        return chunks
    }

    /// Keyword and text of each text chunk, with the chunk's type.
    var texts: [(type: String, keyword: String, text: String)] {
        get throws {
            try chunks.compactMap { chunk in
                guard ["tEXt", "zTXt", "iTXt"].contains(chunk.type) else { return nil }
                let keyword = Array(chunk.data.prefix { $0 != 0 })
                var rest = Array(chunk.data[(keyword.count + 1)...])
                if chunk.type == "zTXt" { rest = try Self.inflate(Array(rest.dropFirst()), capacity: 1 << 20) }
                if chunk.type == "iTXt" {
                    #expect(Array(rest[1...3]) == [0, 0, 0], "deflate, no language, no translated keyword")
                    rest = rest[0] == 0 ? Array(rest[4...]) : try Self.inflate(Array(rest[4...]), capacity: 1 << 20)
                    return (chunk.type, Self.latin1(keyword), String(decoding: rest, as: UTF8.self))
                }
                return (chunk.type, Self.latin1(keyword), Self.latin1(rest))
            }
        }
    }

    private static func latin1(_ bytes: [UInt8]) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int { bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } }

    static func crc(_ bytes: [UInt8]) -> Int {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return Int(~crc)
    }

    private static func inflate(_ bytes: [UInt8], capacity: Int) throws -> [UInt8] {
        typealias Uncompress =
            @convention(c) (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt>, UnsafePointer<UInt8>, UInt) ->
            Int32
        // The system's zlib. The tests' own copy is linked statically and cannot be looked up.
        let library = try #require(dlopen("libz.so.1", RTLD_NOW))
        let symbol = try #require(dlsym(library, "uncompress"))
        let uncompress = unsafeBitCast(symbol, to: Uncompress.self)
        var out = [UInt8](repeating: 0, count: capacity)
        var size = UInt(capacity)
        let status = uncompress(&out, &size, bytes, UInt(bytes.count))
        #expect(status == 0)
        return Array(out.prefix(Int(size)))
    }

    private static func unfilter(_ filtered: [UInt8], width: Int, height: Int) throws -> [UInt8] {
        let stride = 3 * width
        try #require(filtered.count == height * (1 + stride))
        var pixels = [UInt8](repeating: 0, count: height * stride)
        for row in 0..<height {
            let filter = filtered[row * (1 + stride)]
            for column in 0..<stride {
                let left = column < 3 ? 0 : Int(pixels[row * stride + column - 3])
                let above = row == 0 ? 0 : Int(pixels[(row - 1) * stride + column])
                let corner = row == 0 || column < 3 ? 0 : Int(pixels[(row - 1) * stride + column - 3])
                let guess: Int
                switch filter {
                case 0: guess = 0
                case 1: guess = left
                case 2: guess = above
                case 3: guess = (left + above) / 2
                default:
                    let estimate = left + above - corner
                    let distances = (abs(estimate - left), abs(estimate - above), abs(estimate - corner))
                    if distances.0 <= distances.1 && distances.0 <= distances.2 {
                        guess = left
                    } else {
                        guess = distances.1 <= distances.2 ? above : corner
                    }
                }
                pixels[row * stride + column] = filtered[row * (1 + stride) + 1 + column] &+ UInt8(guess)
            }
        }
        return pixels
    }
}
