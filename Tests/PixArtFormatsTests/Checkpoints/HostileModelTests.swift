import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// SentencePiece models that are damaged, hostile, or not T5's.
@Suite struct HostileModelTests {
    private let folder: ScratchFolder
    private let whole: [UInt8]

    init() throws {
        folder = try ScratchFolder()
        whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Resource.path("t5-tokenizer/spiece.model"))))
    }

    private func expectFault(_ bytes: [UInt8], _ part: String, sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        let path = try folder.write("spiece.model", bytes)
        expectFailure(PIXART_ERROR_FORMAT, path, "not a SentencePiece model", part, sourceLocation: sourceLocation) {
            _ = try Tokenizer(path: path)
        }
    }

    /// A length-delimited field.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var size = content.count
        var bytes = [number << 3 | 2]
        while size >= 0x80 {
            bytes.append(UInt8(size & 0x7F) | 0x80)
            size >>= 7
        }
        return bytes + [UInt8(size)] + content
    }

    private func integer(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    /// A model whose normalizer (3) or denormalizer (5) has these tables.
    private func model(
        trie: [UInt32], replacements: [UInt8], size: UInt32? = nil, normalizer: UInt8 = 3
    ) -> [UInt8] {
        let tables = integer(size ?? UInt32(4 * trie.count)) + trie.flatMap(integer) + replacements
        let pieces: [[UInt8]] = ["<pad>", "</s>", "<unk>", "a"].enumerated().map { index, text in
            field(1, field(1, Array(text.utf8)) + [0x15, 0, 0, 0, 0, 0x18, [3, 3, 2, 1][index]])
        }
        // The trainer's settings: the ids of <unk>, <s>, </s> and <pad>.
        let none: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]
        let trainer = field(2, [0xC0, 2, 2, 0xC8, 2] + none + [0xD0, 2, 1, 0xD8, 2, 0])
        return pieces.joined() + trainer + field(normalizer, field(2, tables))
    }

    /// A trie of one block, with no child of the root.
    private var leafless: [UInt32] { (0..<256).map { $0 == 0 ? 1 << 10 : 0xFF - $0 } }

    @Test func aModelByHandLoads() throws {
        let path = try folder.write("spiece.model", model(trie: leafless, replacements: [0]))
        let tokenizer = try Tokenizer(path: path)
        #expect(tokenizer.vocabularySize == 4)
        #expect(try tokenizer.encode("a").ids.last == 3)
    }

    @Test func noModelAtAll() throws {
        try expectFault([], "empty")
        try expectFault(Array("{\"model\": 1}".utf8), "unknown kind")
        try expectFault([UInt8](repeating: 0xFF, count: 100), "64 bits")
        expectFailure(PIXART_ERROR_FILE, "/none.model") { _ = try Tokenizer(path: folder.path + "/none.model") }
    }

    @Test func truncated() throws {
        for count in [1, 2, 10, 100_000, whole.count / 2, whole.count - 100, whole.count - 1] {
            try expectFault(Array(whole.prefix(count)), "truncated")
        }
        try expectFault(Array(whole.prefix(1000)), "no settings of the trainer")  // between two pieces
    }

    @Test func fieldsThatLie() throws {
        try expectFault([0x0A, 0x80], "truncated")
        try expectFault([0x0A, 5, 1], "a field of 5 bytes")
        try expectFault([0x0A] + [UInt8](repeating: 0xFF, count: 9) + [1], "a field of 18446744073709551615 bytes")
        try expectFault([UInt8](repeating: 0x80, count: 20), "64 bits")
        try expectFault([0x0B, 0], "unknown kind")
        try expectFault(field(2, []), "no settings of the normalizer")
    }

    @Test func samplesAreLeftOut() throws {
        let samples = field(4, field(1, field(1, Array("a".utf8)) + field(2, Array("b".utf8))))
        let path = try folder.write("spiece.model", samples + model(trie: leafless, replacements: [0]) + samples)
        #expect(try Tokenizer(path: path).encode("a").ids.last == 3)
    }

    @Test func piecesThatAreThereTwice() throws {
        let again = field(1, field(1, Array("a".utf8)) + [0x18, 1])
        try expectFault(again + model(trie: leafless, replacements: [0]), "piece 4, \"a\", is there twice")
    }

    @Test func tablesThatLie() throws {
        try expectFault(field(2, []) + field(3, field(2, [1, 2])), "tables of 2 bytes")
        try expectFault(model(trie: leafless, replacements: [0], size: 3), "trie of 3 bytes")
        try expectFault(model(trie: leafless, replacements: [0], size: 0), "trie of 0 bytes")
        try expectFault(model(trie: leafless, replacements: [0], size: .max - 3), "trie of 4294967292 bytes")
        try expectFault(model(trie: leafless, replacements: []), "trie of 1024 bytes")
        try expectFault(model(trie: leafless, replacements: [0x61]), "does not end")
        try expectFault(model(trie: leafless, replacements: [0x61], normalizer: 5), "does not end")
    }

    @Test func triesThatLie() throws {
        var trie = leafless
        trie[0] = 0x7FFF_FC00
        try expectFault(model(trie: trie, replacements: [0]), "unit 0 of the normalization trie points beyond it")
        try expectFault(model(trie: [1 << 10], replacements: [0]), "unit 0 of the normalization trie points beyond it")

        trie = leafless
        trie[1 ^ 0x61] = 0x61 | 0x4000_0000
        try expectFault(model(trie: trie, replacements: [0]), "unit 96 of the normalization trie points beyond it")

        trie = leafless
        trie[1 ^ 0x61] = 0x61 | 0x100 | 3 << 10
        trie[0x60 ^ 3] = 0x8000_0001
        try expectFault(model(trie: trie, replacements: [0]), "unit 96 of the normalization trie has no replacement")
        trie[0x60 ^ 3] = 0
        try expectFault(model(trie: trie, replacements: [0]), "unit 96 of the normalization trie has no replacement")
    }

    /// A cycle through one rule for each "a".
    @Test func triesThatGoRound() throws {
        var trie = leafless
        trie[0] = 0x60 << 10 | 0
        trie[0x60 ^ 0x61] = 0x61 | 0x100 | 0x61 << 10
        trie[0x60] = 0x8000_0000
        trie[0x01] = 0x61 | 0x100 | 0x61 << 10
        try expectFault(model(trie: trie, replacements: [0]), "has a cycle")
    }

    /// One letter that becomes many; one rule for a long text.
    @Test func rulesWithoutMeasure() throws {
        var trie = leafless
        trie[1 ^ 0x61] = 0x61 | 0x100 | 0x80 << 10
        trie[0xE0] = 0x8000_0000
        for count in [257, 30_000] {
            let letters = [UInt8](repeating: 0x62, count: count)
            try expectFault(model(trie: trie, replacements: letters + [0]), "more than 256 bytes")
        }
        let path = try folder.write(
            "spiece.model", model(trie: trie, replacements: [UInt8](repeating: 0x62, count: 256) + [0]))
        let tokenizer = try Tokenizer(path: path)
        #expect(try tokenizer.encode("a").pieces.joined() == "▁" + String(repeating: "b", count: 256))
        expectFailure(PIXART_ERROR_FORMAT, path, "normalization make more than") {
            _ = try tokenizer.encode(String(repeating: "a", count: 1000))
        }
        // Blocks of 256 units, in each of which "a" leads to the next.
        var long = [UInt32](repeating: 0x8000_0000, count: 256 * 300)
        long[0] = 256 << 10
        for block in 1..<299 {
            long[256 * block + 0x61] = UInt32(0x61 | (256 * block ^ 256 * (block + 1) ^ 0x61) << 10)
        }
        try expectFault(model(trie: long, replacements: [0]), "a text of more than 256 bytes")
    }

    @Test func piecesWithoutMeasure() throws {
        let tail = model(trie: leafless, replacements: [0])
        let long = [UInt8](repeating: 0x61, count: 257)
        try expectFault(field(1, field(1, long)) + tail, "piece 0 has 257 bytes; expected 1 to 256")
        try expectFault(field(1, []) + tail, "piece 0 has 0 bytes")
        try expectFault(field(1, field(1, [0x62]) + [0x15] + integer(0x7FC0_0000)) + tail, "the score nan")
        try expectFault(field(1, field(1, [0x62]) + [0x15] + integer(0xFF80_0000)) + tail, "the score -inf")
        try expectFault(field(1, field(1, [0x62]) + [0x18, 7]) + tail, "piece 0 is of kind 7")
        try expectFault(field(1, field(1, [0x62]) + [0x18, 2]) + tail, "pieces 0 and 3 are both the unknown piece")
        let many = (0..<(1 << 18)).flatMap { field(1, field(1, integer($0))) }
        try expectFault(many + tail, "expected at most 262144")
    }

    @Test func otherModelsThanT5s() throws {
        let tail = model(trie: leafless, replacements: [0])
        let refused: [([UInt8], String)] = [
            (field(2, [0x18, 2]), "the model type WORD; expected UNIGRAM"),
            (field(2, [0x18, 3]), "the model type BPE; expected UNIGRAM"),
            (field(2, [0x18, 4]), "the model type CHAR; expected UNIGRAM"),
            (field(2, [0x98, 2, 1]), "byte_fallback; expected none"),
            (field(1, field(1, Array("<0x0A>".utf8)) + [0x18, 6]), "a piece for a single byte; expected none"),
        ]
        for (bytes, reason) in refused {
            let path = try folder.write("spiece.model", bytes + tail)
            expectFailure(PIXART_ERROR_MODEL, path, reason) { _ = try Tokenizer(path: path) }
        }
    }

    /// A user-defined piece always matches, unchanged. An unused one never does.
    @Test func kindsOfPieces() throws {
        let pieces =
            field(1, field(1, Array("ＡＡ".utf8)) + [0x18, 4]) + field(1, field(1, Array("bb".utf8)) + [0x18, 5])
        let path = try folder.write("spiece.model", model(trie: leafless, replacements: [0]) + pieces)
        let tokenizer = try Tokenizer(path: path)
        #expect(try tokenizer.encode("aＡＡabb").ids == [2, 3, 4, 3, 2])
        #expect(try tokenizer.encode("aＡＡabb").pieces == ["▁", "a", "ＡＡ", "a", "bb"])
    }

    @Test func piecesThatAreMissing() throws {
        let bytes = model(trie: leafless, replacements: [0])
        let end = try #require(bytes.firstRange(of: Array("</s>".utf8)))
        let path = try folder.write(
            "spiece.model", bytes[..<end.lowerBound] + Array("</t>".utf8) + bytes[end.upperBound...])
        expectFailure(PIXART_ERROR_MODEL, path, "</s>") { _ = try Tokenizer(path: path) }
    }

    /// Loading returns for all bytes, and a model that loads can split a text.
    @Test func damagedModels() throws {
        let small = model(trie: leafless, replacements: [0])
        var random = SplitMix(seed: 9)
        var (loaded, faults) = (0, 0)
        for _ in 0..<3000 {
            var bytes = small
            for _ in 0...random.next() % 3 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let path = try folder.write("spiece.model", bytes)
            do throws(PixArtError) {
                let tokenizer = try Tokenizer(path: path)
                _ = try tokenizer.encode("a cat, ｃａｔ \u{1}\u{301}")
                loaded += 1
            } catch {
                faults += 1
            }
        }
        #expect(loaded > 100)
        #expect(faults > 100)
    }

    /// The same with T5's own tables, at the end of its model.
    @Test func damagedTables() throws {
        var random = SplitMix(seed: 13)
        var (loaded, faults) = (0, 0)
        for _ in 0..<40 {
            var bytes = whole
            for _ in 0..<4 {
                bytes[560_000 + Int(random.next() % 200_000)] = UInt8(truncatingIfNeeded: random.next())
            }
            let path = try folder.write("spiece.model", bytes)
            do throws(PixArtError) {
                let tokenizer = try Tokenizer(path: path)
                _ = try tokenizer.encode("ｆｕｌｌ ｗｉｄｔｈ ﷺ e\u{301} ㌀ é 각 ½")
                loaded += 1
            } catch {
                faults += 1
                #expect(error.status == PIXART_ERROR_FORMAT)
            }
        }
        #expect(loaded > 0)
        #expect(faults > 0)
    }
}
