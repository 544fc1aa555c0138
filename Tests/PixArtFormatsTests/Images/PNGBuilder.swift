/// A PNG file of any colour type and bit depth, built from the specification without libpng. Its pixels are stored
/// uncompressed.
struct PNGBuilder: Sendable {
    enum Kind: UInt8, CaseIterable, Sendable {
        case grey = 0
        case rgb = 2
        case palette = 3
        case greyAlpha = 4
        case rgba = 6

        var samples: Int {
            switch self {
            case .grey, .palette: 1
            case .greyAlpha: 2
            case .rgb: 3
            case .rgba: 4
            }
        }
        var depths: [Int] {
            switch self {
            case .grey: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .greyAlpha, .rgba: [8, 16]
            }
        }
    }

    var kind: Kind
    var depth: Int
    var width = 11
    var height = 9
    var isInterlaced = false
    /// Red, green and blue of each entry.
    var palette: [UInt8] = []
    /// The content of a tRNS chunk.
    var transparency: [UInt8] = []
    /// Samples of the pixels, [height][width][samples].
    var samples: [Int] = []

    init(_ kind: Kind, _ depth: Int, seed: UInt64 = 1) {
        self.kind = kind
        self.depth = depth
        var random = SplitMix(seed: seed)
        samples = (0..<width * height * kind.samples).map { _ in Int(random.next() >> 40) & ((1 << depth) - 1) }
        if kind == .palette { palette = (0..<3 << depth).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    }

    var header: [UInt8] {
        Self.word(width) + Self.word(height) + [UInt8(depth), kind.rawValue, 0, 0, isInterlaced ? 1 : 0]
    }

    var bytes: [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
            + (palette.isEmpty ? [] : Self.chunk("PLTE", palette))
            + (transparency.isEmpty ? [] : Self.chunk("tRNS", transparency))
            + Self.chunk("IDAT", Self.stored(lines)) + Self.chunk("IEND", [])
    }

    /// Rows with their filter types, in one pass or in Adam7's seven.
    private var lines: [UInt8] {
        let passes =
            isInterlaced
            ? [
                (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
            ] : [(0, 0, 1, 1)]
        return passes.flatMap { left, top, across, down -> [UInt8] in
            guard left < width else { return [] }
            return stride(from: top, to: height, by: down).flatMap { y in
                let row = stride(from: left, to: width, by: across).flatMap { x in
                    (0..<kind.samples).map { samples[(y * width + x) * kind.samples + $0] }
                }
                return [0] + packed(row)
            }
        }
    }

    private func packed(_ row: [Int]) -> [UInt8] {
        if depth == 16 { return row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
        let share = 8 / depth
        return stride(from: 0, to: row.count, by: share).map { first in
            (0..<share).reduce(0) { byte, place in
                let sample = first + place < row.count ? row[first + place] : 0
                return byte | UInt8(sample << (8 - depth * (place + 1)))
            }
        }
    }

    static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return word(data.count) + body + word(PNGImage.crc(body))
    }

    /// A zlib stream with uncompressed blocks.
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for first in stride(from: 0, to: data.count, by: 65535) {
            let block = data[first..<min(first + 65535, data.count)]
            let (low, high) = (UInt8(block.count & 255), UInt8(block.count >> 8))
            stream += [first + block.count == data.count ? 1 : 0, low, high, ~low, ~high] + block
        }
        var (a, b) = (1, 0)
        for byte in data { (a, b) = ((a + Int(byte)) % 65521, (a + Int(byte) + b) % 65521) }
        return stream + word(b << 16 | a)
    }

    // MARK: What it means

    /// Red, green, blue and alpha of every pixel in 8 bits.
    var colours: [[UInt8]] {
        (0..<width * height).map { pixel in
            let own = Array(samples[pixel * kind.samples..<(pixel + 1) * kind.samples])
            let eight = own.map { UInt8((Double($0) * 255 / Double(1 << depth - 1)).rounded()) }
            let isKey = !transparency.isEmpty && own.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } == transparency
            switch kind {
            case .grey: return [eight[0], eight[0], eight[0], isKey ? 0 : 255]
            case .greyAlpha: return [eight[0], eight[0], eight[0], eight[1]]
            case .rgb: return eight + [isKey ? 0 : 255]
            case .rgba: return eight
            case .palette:
                let entry = own[0]
                return Array(palette[3 * entry..<3 * entry + 3])
                    + [entry < transparency.count ? transparency[entry] : 255]
            }
        }
    }

    func pixels(channels: Int) -> [UInt8] {
        guard channels == 1 else { return colours.flatMap { $0[..<channels] } }
        if kind == .grey || kind == .greyAlpha { return colours.map { $0[0] } }
        return colours.map { colour in
            let luma = zip(colour, [19595, 38470, 7471]).reduce(32768) { $0 + Int($1.0) * $1.1 }
            return UInt8(luma >> 16)
        }
    }
}
