import Foundation
import PixArtFormats
import Testing

@Suite struct TokenizerTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try Tokenizer(path: Resource.path("t5-tokenizer/spiece.model")) }

    @Test func specialPieces() {
        #expect(tokenizer.vocabularySize == 32000)
        #expect(tokenizer.pad == 0)
        #expect(tokenizer.endOfSequence == 1)
        #expect(tokenizer.unknown == 2)
    }

    /// The ids are those of Python's sentencepiece, from tools/goldens/make_tokenizer_goldens.py.
    @Test func idsMatchTheReference() throws {
        let goldens = try #require(JSONValue.load(path: Resource.path("t5-tokenizer/goldens.json")).array)
        #expect(goldens.count >= 5000)
        var different: [String] = []
        for golden in goldens {
            let entry = try #require(golden.array)
            let text = try #require(entry.first?.string)
            let expected = entry.dropFirst().compactMap { $0.integer.map(Int32.init) }
            let ids = try tokenizer.encode(text).ids
            if ids != expected { different.append("\(text.debugDescription): \(ids), expected \(expected)") }
        }
        #expect(different.isEmpty, "\(different.count) differ:\n\(different.prefix(20).joined(separator: "\n"))")
    }

    @Test func piecesSayWhatTheTextSays() throws {
        let split = try tokenizer.encode("a {cat}")
        let (ids, pieces) = (split.ids, split.pieces)
        #expect(ids == [3, 9, 3, 2, 2138, 2])
        #expect(pieces == ["▁", "a", "▁", "{", "cat", "}"])
    }

    /// The ranges are those of Python's sentencepiece 0.2.1.
    @Test(arguments: [
        ("a {cat}", [0..<0, 0..<1, 1..<2, 2..<3, 3..<6, 6..<7]),
        ("  Ａ  ﬁne café, 中文 x  ", [2..<5, 5..<12, 12..<18, 18..<19, 19..<20, 20..<26, 26..<27, 27..<28]),
        ("½ tail \t\n", [0..<0, 0..<0, 0..<2, 2..<7]),
        ("e\u{301}\u{323}z", [0..<0, 0..<3, 3..<5, 5..<6]),
        (" ", []),
    ])
    func piecesComeFromBytesOfTheText(_ text: String, _ ranges: [Range<Int>]) throws {
        #expect(try tokenizer.encode(text).ranges == ranges)
    }

    @Test func whatLooksSpecialIsText() throws {
        for text in ["</s>", "<pad>", "<unk>", "<extra_id_0>"] {
            let ids = try tokenizer.encode(text).ids
            #expect(!ids.contains(tokenizer.endOfSequence))
            #expect(!ids.contains(tokenizer.pad))
            #expect(ids.allSatisfy { $0 < 32000 })
            #expect(ids.count > 1)
        }
    }

    @Test func emptyTextsHaveNoPieces() throws {
        for text in ["", " ", "\t\n "] { #expect(try tokenizer.encode(text).ids.isEmpty) }
    }

    @Test func decodeJoinsPieces() throws {
        let text = "A small cactus with a happy face in the Sahara desert."
        #expect(try tokenizer.decode(tokenizer.encode(text).ids) == text)
        #expect(tokenizer.decode([]) == "")
        #expect(tokenizer.decode([-1, 32000, .max, .min, 1]) == "")
        #expect(tokenizer.decode([2]) == " ⁇ ")
    }

    /// As Python's sentencepiece 0.2.1 splits them.
    @Test func bytesThatAreNotText() throws {
        for byte: UInt8 in [0x80, 0xC3, 0xED, 0xFF] {
            let split = try tokenizer.encode(utf8: [0x61, byte, 0x62])
            let (ids, pieces) = (split.ids, split.pieces)
            #expect(ids == [3, 9, 2, 115])
            #expect(pieces == ["▁", "a", "\u{FFFD}", "b"])
        }
        let surrogate = try tokenizer.encode(utf8: [0xED, 0xA0, 0x80])
        #expect(surrogate.ids == [3, 2])
        #expect(surrogate.pieces == ["▁", "\u{FFFD}\u{FFFD}\u{FFFD}"])
        #expect(try tokenizer.encode(utf8: [0x61, 0xF0, 0x9F, 0x98, 0x62]).ids == [3, 9, 2, 115])
        #expect(try tokenizer.encode("a\u{FFFD}b").ids == [3, 9, 3, 115])  // which the rules make a space
        #expect(try tokenizer.encode(utf8: []).ids.isEmpty)
    }

    /// A megabyte of expensive text: unknown characters, one endless word, and text that normalization expands.
    @Test func longTextsOfOneCharacter() throws {
        for (text, least) in [("猫", 2), ("a", 100_000), (" ", 0), ("!", 100_000), ("\u{FDFA}", 1_000_000)] {
            let long = String(repeating: text, count: 1_000_000 / text.utf8.count)
            #expect(try tokenizer.encode(long).ids.count >= least)
        }
    }

    @Test func longTextsTakeLinearTime() throws {
        let text = String(repeating: "cosmic maelstrom ", count: 20000)
        let split = try tokenizer.encode(text)
        let (ids, pieces) = (split.ids, split.pieces)
        #expect(ids.count == pieces.count)
        #expect(ids.count > 40000)
    }

    @Test func threadsShareOneTokenizer() async throws {
        let expected = try tokenizer.encode("an astronaut riding a horse on mars").ids
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { [tokenizer] in
                    (0..<200).allSatisfy { _ in
                        (try? tokenizer.encode("an astronaut riding a horse on mars").ids) == expected
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }
}
