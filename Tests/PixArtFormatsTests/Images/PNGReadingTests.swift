import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct PNGReadingTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func read(_ bytes: [UInt8], channels: Int) throws -> Tensor {
        try PNGFile.read(path: folder.write("a.png", bytes), channels: channels)
    }

    private static let kinds = PNGBuilder.Kind.allCases.flatMap { kind in kind.depths.map { (kind, $0) } }

    /// Every colour type in every bit depth, interlaced and not, read as every number of channels.
    @Test(arguments: kinds)
    func pixels(_ kind: PNGBuilder.Kind, _ depth: Int) throws {
        var image = PNGBuilder(kind, depth)
        for isInterlaced in [false, true] {
            image.isInterlaced = isInterlaced
            for channels in [1, 3, 4] {
                let tensor = try read(image.bytes, channels: channels)
                #expect(tensor.element == .uint8 && tensor.shape == [image.height, image.width, channels])
                #expect(content(tensor) == image.pixels(channels: channels), "\(channels), \(isInterlaced)")
            }
        }
    }

    /// A colour, or palette entries, made transparent by tRNS.
    @Test(arguments: kinds.filter { $0.0 != .greyAlpha && $0.0 != .rgba })
    func transparency(_ kind: PNGBuilder.Kind, _ depth: Int) throws {
        var image = PNGBuilder(kind, depth, seed: 5)
        image.transparency =
            kind == .palette
            ? [7, 0] : image.samples[..<kind.samples].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        #expect(Set(image.pixels(channels: 4).enumerated().filter { $0.offset % 4 == 3 }.map(\.element)).count > 1)
        for channels in [1, 3, 4] {
            #expect(try content(read(image.bytes, channels: channels)) == image.pixels(channels: channels))
        }
    }

    /// Sizes for which passes of an interlaced image are empty, and rows that end within a byte.
    @Test(arguments: [1, 2, 3, 5, 8])
    func smallSizes(_ side: Int) throws {
        for (width, height) in [(side, 1), (1, side), (side, side)] {
            for isInterlaced in [false, true] {
                var image = PNGBuilder(.grey, 2)
                (image.width, image.height, image.isInterlaced) = (width, height, isInterlaced)
                image.samples = (0..<width * height).map { $0 % 4 }
                #expect(try content(read(image.bytes, channels: 1)) == image.pixels(channels: 1))
            }
        }
    }

    /// Pillow's files, and what Pillow reads from them.
    @Test func equalsPillow() throws {
        for row in try ImageGolden.rows("files") {
            let file = [UInt8](ImageGolden.data(row["file"]))
            for (channels, pixels) in row["pixels"] as! [String: String] {
                let tensor = try read(file, channels: Int(channels)!)
                #expect(tensor.shape == [row["height"] as! Int, row["width"] as! Int, Int(channels)!])
                #expect(Data(content(tensor)) == ImageGolden.data(pixels), "\(row["name"]!), \(channels) channels")
            }
        }
    }

    @Test func readsWhatItWrites() throws {
        let pixels = (0..<3 * 20 * 7).map { UInt8(truncatingIfNeeded: $0 * 31) }
        let path = "\(folder.path)/b.png"
        try pixels.withUnsafeBytes {
            try PNGFile.write(.init(width: 20, height: 7, pixels: $0, text: [("prompt", "a cat")]), path: path)
        }
        #expect(try content(PNGFile.read(path: path, channels: 3)) == pixels)
    }

    /// Chunks other than pixels have no effect, including gamma, but their checksums must be right.
    @Test func otherChunks() throws {
        let image = PNGBuilder(.rgb, 8)
        var bytes = image.bytes
        let extra =
            PNGBuilder.chunk("gAMA", PNGBuilder.word(20000)) + PNGBuilder.chunk("iCCP", [1, 2, 3])
            + PNGBuilder.chunk("zTXt", Array("k\0\0garbage".utf8)) + PNGBuilder.chunk("zzZz", [0])
        bytes.insert(contentsOf: extra, at: 33)
        #expect(try content(read(bytes + [1, 2, 3], channels: 3)) == image.pixels(channels: 3))
        bytes[33 + 8] ^= 1
        expectFailure(PIXART_ERROR_FORMAT, "a.png", "CRC") { _ = try read(bytes, channels: 3) }
    }

    // MARK: Hostile files

    private static let victims = [PNGBuilder(.palette, 4), PNGBuilder(.rgba, 16), PNGBuilder(.grey, 1)]

    @Test(arguments: victims.indices)
    func truncated(_ victim: Int) throws {
        let bytes = Self.victims[victim].bytes
        for count in 0..<bytes.count {
            expectFailure(PIXART_ERROR_FORMAT, "a.png", "PNG") {
                _ = try read(Array(bytes[..<count]), channels: 3)
            }
        }
    }

    @Test(arguments: victims.indices)
    func flippedBits(_ victim: Int) throws {
        let bytes = Self.victims[victim].bytes
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << (index % 8)
            expectFailure(PIXART_ERROR_FORMAT, "a.png", "PNG") { _ = try read(damaged, channels: 4) }
        }
    }

    /// Changed chunks with right checksums give an image or a format error.
    @Test(arguments: victims.indices)
    func changedContents(_ victim: Int) throws {
        var random = SplitMix(seed: UInt64(victim))
        var image = Self.victims[victim]
        image.isInterlaced = victim == 1
        let chunks = try PNGImage.chunks(of: image.bytes)
        var images = 0
        for _ in 0..<400 {
            var changed = chunks
            let chosen = Int.random(in: 0..<chunks.count, using: &random)
            var data = changed[chosen].data
            for _ in 0...Int.random(in: 0..<3, using: &random) where !data.isEmpty {
                let place = Int.random(in: data.indices, using: &random)
                if Bool.random(using: &random) { data[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
                if Int.random(in: 0..<4, using: &random) == 0 { data.removeLast(data.count - place) }
            }
            changed[chosen] = .init(type: chunks[chosen].type, data: data)
            let bytes = image.bytes[..<8] + changed.flatMap { PNGBuilder.chunk($0.type, $0.data) }
            do {
                _ = try read(Array(bytes), channels: [1, 3, 4].randomElement(using: &random)!)
                images += 1
            } catch let error as PixArtError {
                #expect(error.status == PIXART_ERROR_FORMAT, "\(error.message)")
            }
        }
        #expect((20..<400).contains(images))
    }

    /// Pixels that end early, or are no zlib stream, with right checksums.
    @Test func wrongPixels() throws {
        var image = PNGBuilder(.rgb, 8)
        let honest = image.header
        image.height = 5
        var short = image.bytes
        short.replaceSubrange(8..<33, with: PNGBuilder.chunk("IHDR", honest))
        expectFailure(PIXART_ERROR_FORMAT, "a.png") { _ = try read(short, channels: 3) }
        let noise = short[..<33] + PNGBuilder.chunk("IDAT", [1, 2, 3, 4]) + PNGBuilder.chunk("IEND", [])
        expectFailure(PIXART_ERROR_FORMAT, "a.png") { _ = try read(Array(noise), channels: 3) }
        let none = short[..<33] + PNGBuilder.chunk("IEND", [])
        expectFailure(PIXART_ERROR_FORMAT, "a.png") { _ = try read(Array(none), channels: 3) }
    }

    /// Sizes that a file of a few bytes cannot have, and sizes beyond the limits.
    @Test(arguments: [
        (0, 1), (1, 0), (1 << 31, 1), (Int(Int32.max), Int(Int32.max)), (65537, 1), (65536, 4097), (20000, 10000),
        (1, 60000 * 1000),
    ])
    func hugeSizes(width: Int, height: Int) throws {
        let header = PNGBuilder.word(width) + PNGBuilder.word(height) + [8, 2, 0, 0, 0]
        var bytes = PNGBuilder(.rgb, 8).bytes
        bytes.replaceSubrange(8..<33, with: PNGBuilder.chunk("IHDR", header))
        expectFailure(PIXART_ERROR_FORMAT, "a.png") { _ = try read(bytes, channels: 3) }
    }

    @Test(arguments: [(3, 8), (5, 8), (2, 4), (0, 3), (4, 1), (3, 16), (7, 8)])
    func impossibleKinds(type: UInt8, depth: UInt8) throws {
        let header = PNGBuilder.word(11) + PNGBuilder.word(9) + [depth, type, 0, 0, 0]
        var bytes = PNGBuilder(.rgb, 8).bytes
        bytes.replaceSubrange(8..<33, with: PNGBuilder.chunk("IHDR", header))
        // A palette image without a palette among them.
        expectFailure(PIXART_ERROR_FORMAT, "a.png") { _ = try read(bytes, channels: 3) }
    }

    @Test func otherFiles() throws {
        let read: (String) throws -> Void = { _ = try PNGFile.read(path: "\(folder.path)/\($0)", channels: 3) }
        expectFailure(PIXART_ERROR_FILE, "none.png", "No such file") { try read("none.png") }
        expectFailure(PIXART_ERROR_FILE, folder.path, "regular") { try read("") }
        try folder.write("text.png", "not an image".utf8)
        expectFailure(PIXART_ERROR_FORMAT, "text.png", "PNG") { try read("text.png") }
        try folder.write("empty.png", [])
        expectFailure(PIXART_ERROR_FORMAT, "empty.png", "PNG") { try read("empty.png") }
    }
}
