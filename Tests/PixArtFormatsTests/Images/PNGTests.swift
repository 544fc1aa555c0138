import CPixArt
import Foundation
import PixArtFormats
import TestSupport
import Testing

@Suite struct PNGTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func save(
        _ name: String = "a.png", width: Int, height: Int, pixels: [UInt8], text: [(keyword: String, text: String)] = []
    ) throws -> String {
        let path = "\(folder.path)/\(name)"
        try pixels.withUnsafeBytes {
            try PNGFile.write(.init(width: width, height: height, pixels: $0, text: text), path: path)
        }
        return path
    }

    @Test(arguments: [(1, 1), (7, 5), (64, 33), (1, 200), (300, 1)])
    func pixelsReadBack(width: Int, height: Int) throws {
        var random = SplitMix(seed: 3)
        let noise = (0..<3 * width * height).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let smooth = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 / 3 % width + $0 / 3 / width) }
        for pixels in [noise, smooth] {
            let image = try PNGImage(path: save(width: width, height: height, pixels: pixels))
            #expect(image.width == width)
            #expect(image.height == height)
            #expect(image.pixels == pixels)
        }
        #expect(try folder.content == ["a.png"])
    }

    @Test func largeImage() throws {
        let (width, height) = (1024, 1024)
        let pixels = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 / 3072) }
        #expect(try PNGImage(path: save(width: width, height: height, pixels: pixels)).pixels == pixels)
    }

    @Test func textChunks() throws {
        let texts = [
            ("prompt", "a small cactus, \"café\"\nsecond line"), ("Title", "猫 and 😀"),
            ("settings", String(repeating: "{} ", count: 1000)),
            ("long", String(repeating: "ж", count: 2000)), ("empty", ""), ("Größe 1", "\t"),
            (String(repeating: "k", count: 79), "x"),
            ("prompt", "again"),
        ]
        let image = try PNGImage(
            path: save(width: 1, height: 1, pixels: [1, 2, 3], text: texts.map { (keyword: $0, text: $1) }))
        let read = try image.texts
        #expect(read.map(\.type) == ["tEXt", "iTXt", "zTXt", "iTXt", "tEXt", "iTXt", "tEXt", "tEXt"])
        #expect(read.map(\.keyword) == texts.map(\.0))
        #expect(read.map(\.text) == texts.map(\.1))
        #expect(image.chunks.map(\.type).suffix(2) == ["IDAT", "IEND"])
        let long = try #require(image.chunks.first { $0.type == "iTXt" && $0.data.starts(with: Array("long".utf8)) })
        #expect(long.data.count < 200, "long texts are compressed")
    }

    @Test(arguments: [
        ("", ""), (" a", " a"), ("a ", "a "), ("a  b", "a  b"), ("a\nb", "a\\u000ab"), ("猫", "猫"),
        ("a\u{A0}b", "a\u{A0}b"), ("a\0b", "a\\u0000b"), ("\u{7F}", "\\u007f"),
        (String(repeating: "k", count: 80), String(repeating: "k", count: 80)),
    ])
    func badKeyword(_ keyword: String, _ named: String) throws {
        expectFailure(PIXART_ERROR_OPTION, "keyword \"\(named)\"", "1 to 79") {
            _ = try save(width: 1, height: 1, pixels: [1, 2, 3], text: [("fine", "x"), (keyword, "x")])
        }
        #expect(try folder.content.isEmpty)
    }

    @Test func badText() {
        expectFailure(PIXART_ERROR_OPTION, "\"prompt\"", "NUL") {
            _ = try save(width: 1, height: 1, pixels: [1, 2, 3], text: [("prompt", "a\0b")])
        }
    }

    @Test(arguments: [(0, 1), (1, 0), (-1, -1), (1 << 31, 1), (2, 1), (.max, .max), (Int(Int32.max), Int(Int32.max))])
    func badSize(width: Int, height: Int) {
        expectFailure(PIXART_ERROR_ARGUMENT, "\(width) x \(height)") {
            _ = try save(width: width, height: height, pixels: [1, 2, 3])
        }
    }

    @Test func badPath() throws {
        expectFailure(PIXART_ERROR_FILE, "\(folder.path)/none/a.png", "No such file") {
            _ = try save("none/a.png", width: 1, height: 1, pixels: [1, 2, 3])
        }
        try FileManager.default.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: true)
        expectFailure(PIXART_ERROR_FILE, "\(folder.path)/folder", "is a folder") {
            _ = try save("folder", width: 1, height: 1, pixels: [1, 2, 3])
        }
        #expect(try folder.content == ["folder"])
    }

    @Test func whatIsThereIsReplacedInWhole() throws {
        let old = try save(width: 64, height: 64, pixels: [UInt8](repeating: 7, count: 64 * 64 * 3))
        #expect(try PNGImage(path: save(width: 1, height: 1, pixels: [1, 2, 3])).pixels == [1, 2, 3])
        #expect(old.hasSuffix("a.png"))
    }
}
