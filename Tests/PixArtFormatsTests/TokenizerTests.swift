import Foundation
import PixArtCompute
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

    /// The ids are those of Python's sentencepiece; tools/make_tokenizer_goldens.py made them.
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
        let (ids, pieces) = try tokenizer.encode("a {cat}")
        #expect(ids == [3, 9, 3, 2, 2138, 2])
        #expect(pieces == ["▁", "a", "▁", "{", "cat", "}"])
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
        #expect(try tokenizer.decode([]) == "")
        #expect(try tokenizer.decode([-1, 32000, .max, .min, 1]) == "")
        #expect(try tokenizer.decode([2]) == " ⁇ ")
    }

    @Test func longTextsTakeLinearTime() throws {
        let text = String(repeating: "cosmic maelstrom ", count: 20000)
        let (ids, pieces) = try tokenizer.encode(text)
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
