import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct TokenizerJSONTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private let texts = [
        "", " ", "a cute cat face", "  A red\tcar,  with two spaces ", "!!!!!!", "------", "</s> <pad> <unk>",
        "<extra_id_0>",
        "猫 ｆｕｌｌ ﷺ ½", "👩‍👩‍👧‍👦 🏳️‍🌈", "e\u{301}\u{85}x\u{200B}y", "▁a▁▁b", "smiling face with heart-eyes",
    ]

    @Test func emojiEqualsItsSentencePieceModel() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let expected = try Tokenizer(path: root.appending(path: "models/emoji/tokenizer/spiece.model").path)
        let tokenizer = try Tokenizer(path: Resource.path("emoji-tokenizer/tokenizer.json"))
        #expect(tokenizer.vocabularySize == expected.vocabularySize)
        #expect(tokenizer.endOfSequence == expected.endOfSequence)
        #expect(tokenizer.unknown == expected.unknown)
        #expect(tokenizer.pad == expected.pad)
        for text in texts {
            let split = try tokenizer.encode(text)
            let (ids, pieces) = (split.ids, split.pieces)
            #expect(try ids == expected.encode(text).ids)
            #expect(try pieces == expected.encode(text).pieces)
            #expect(tokenizer.decode(ids) == expected.decode(ids))
        }
    }

    /// T5's, converted from its SentencePiece model as transformers does, with a hundred special pieces at its
    /// end.
    @Test func idsOfT5MatchTheReference() throws {
        let model = try Data(contentsOf: URL(fileURLWithPath: Resource.path("t5-tokenizer/spiece.model")))
        var pieces: [JSONValue] = []
        var tables = Data()
        for (number, content) in fields(model) {
            let parts = fields(content)
            if number == 1 {
                let text = String(decoding: try #require(parts.first { $0.0 == 1 }).1, as: UTF8.self)
                let bits = parts.first { $0.0 == 2 }.map { Array($0.1) } ?? [0, 0, 0, 0]
                let score = bits.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                pieces.append(.array([.string(text), .number(Double(Float(bitPattern: score)))]))
            } else if number == 3 {
                tables = try #require(parts.first { $0.0 == 2 }).1
            }
        }
        var special = [token(0, "<pad>"), token(1, "</s>"), token(2, "<unk>")]
        for index in 0..<100 {
            special.append(token(pieces.count, "<extra_id_\(99 - index)>"))
            pieces.append(.array([.string("<extra_id_\(99 - index)>"), .number(0)]))
        }
        let whole =
            file
            .setting(["model", "vocab"], .array(pieces)).setting(["added_tokens"], .array(special))
            .setting(
                ["normalizer"],
                .object([
                    "type": .string("Precompiled"), "precompiled_charsmap": .string(tables.base64EncodedString()),
                ]))
        let tokenizer = try Tokenizer(path: folder.write("tokenizer.json", Array(whole.serialized().utf8)))
        #expect(tokenizer.vocabularySize == 32100)
        let goldens = try #require(JSONValue.load(path: Resource.path("t5-tokenizer/goldens.json")).array)
        var different = 0
        for case .array(let golden) in goldens {
            let text = try #require(golden.first?.string)
            if try tokenizer.encode(text).ids != golden.dropFirst().compactMap({ $0.integer.map(Int32.init) }) {
                different += 1
            }
        }
        #expect(goldens.count >= 5000)
        #expect(different == 0)
    }

    /// The fields of a protocol buffer that are not numbers.
    private func fields(_ message: Data) -> [(Int, Data)] {
        var rest = message[...]
        var fields: [(Int, Data)] = []
        func number() -> Int {
            var (value, shift) = (0, 0)
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            return value
        }
        while !rest.isEmpty {
            let key = number()
            if key & 7 == 0 {
                _ = number()
                continue
            }
            let size = key & 7 == 2 ? number() : 4
            fields.append((key >> 3, Data(rest.prefix(size))))
            rest = rest.dropFirst(size)
        }
        return fields
    }

    private func token(_ id: Int, _ content: String, special: Bool = true) -> JSONValue {
        .object(["id": .integer(Int64(id)), "content": .string(content), "special": .bool(special)])
    }

    private func piece(_ text: String, _ score: Double) -> JSONValue { .array([.string(text), .number(score)]) }

    private func step(_ type: String, _ members: [Name: JSONValue] = [:]) -> JSONValue {
        .object(members.merging(["type": .string(type)]) { $1 })
    }

    private func sequence(_ list: Name, _ steps: JSONValue...) -> JSONValue {
        step("Sequence", [list: .array(steps)])
    }

    private var metaspace: JSONValue {
        step("Metaspace", ["replacement": .string("▁"), "prepend_scheme": .string("always"), "split": .bool(true)])
    }

    /// A small one.
    private var file: JSONValue {
        .object([
            "version": .string("1.0"), "truncation": .null, "padding": .null, "normalizer": .null,
            "added_tokens": .array([token(0, "<pad>"), token(1, "</s>"), token(2, "<unk>")]),
            "pre_tokenizer": sequence("pretokenizers", step("WhitespaceSplit"), metaspace),
            "post_processor": step(
                "TemplateProcessing",
                [
                    "single": .array([
                        .object(["Sequence": .object(["id": .string("A"), "type_id": .integer(0)])]),
                        .object(["SpecialToken": .object(["id": .string("</s>"), "type_id": .integer(0)])]),
                    ])
                ]),
            "decoder": metaspace,
            "model": step(
                "Unigram",
                [
                    "unk_id": .integer(2), "byte_fallback": .bool(false),
                    "vocab": .array([
                        piece("<pad>", 0), piece("</s>", 0), piece("<unk>", 0), piece("▁a", -1), piece("b", -2),
                        piece("▁", -3),
                    ]),
                ]),
        ])
    }

    private func open(_ value: JSONValue) throws -> Tokenizer {
        try Tokenizer(path: folder.write("tokenizer.json", Array(value.serialized().utf8)))
    }

    /// As Python's programs read it: integers written with a fraction of 0, and a duplicate key.
    @Test func numbersAndNamesAsPythonReadsThem() throws {
        let text = file.serialized()
        let id = "\"unk_id\":2"
        try #require(text.contains(id))
        for replacement in ["\"unk_id\":2.0", "\"unk_id\":1,\"unk_id\":2", "\"unk_id\":2e0"] {
            let path = try folder.write("tokenizer.json", text.replacing(id, with: replacement).utf8)
            #expect(try Tokenizer(path: path).encode("ab").ids == [3, 4])
        }
        let path = try folder.write("tokenizer.json", text.replacing(id, with: "\"unk_id\":2.5").utf8)
        expectFailure(PIXART_ERROR_FORMAT, path, "model.unk_id", "2.5") { _ = try Tokenizer(path: path) }
    }

    @Test func otherWordsForTheSame() throws {
        let first = metaspace.setting(["prepend_scheme"], .string("first"))
        let old = step("Metaspace", ["replacement": .string("▁"), "add_prefix_space": .bool(true)])
        let spaces = step("Replace", ["pattern": .object(["Regex": .string(" {2,}")]), "content": .string("▁")])
        let same = [
            file, file.setting(["pre_tokenizer"], metaspace), file.setting(["pre_tokenizer"], first),
            file.setting(["pre_tokenizer"], sequence("pretokenizers", step("WhitespaceSplit"), old)),
            file.setting(["decoder"], .null), file.setting(["decoder"], old),
            file.setting(["normalizer"], sequence("normalizers", step("Strip", ["strip_right": .bool(true)]), spaces)),
            file.setting(["added_tokens"], .array([token(0, "<pad>"), token(1, "</s>"), token(9, "<extra_id_0>")])),
        ]
        for value in same { #expect(try open(value).encode(" ab  c ").ids == [3, 4, 5, 2]) }
    }

    /// Canonically equivalent pieces are two pieces, and a special token is one of them.
    @Test func piecesOfEqualLetters() throws {
        for (one, other) in [("\u{E9}", "e\u{301}"), ("K", "\u{212A}"), ("\u{D55C}", "\u{1112}\u{1161}\u{11AB}")] {
            let vocabulary = [piece("<pad>", 0), piece("</s>", 0), piece("<unk>", 0), piece("▁", -1)]
            let value = file.setting(["model", "vocab"], .array(vocabulary + [piece(one, -2), piece(other, -3)]))
            #expect(try open(value).encode(one).ids == [3, 4])
            #expect(try open(value).encode(other).ids == [3, 5])
            let special = token(4, other + "\u{1B}\u{200B}")
            let tokens = JSONValue.array([token(0, "<pad>"), token(1, "</s>"), token(2, "<unk>"), special])
            expectFailure(PIXART_ERROR_FORMAT, "added_tokens[3]: \"\(other)\\u001b\\u200b\"", "as in model.vocab") {
                _ = try open(value.setting(["added_tokens"], tokens))
            }
            expectFailure(PIXART_ERROR_FORMAT, "is there twice") {
                _ = try open(
                    value.setting(["model", "vocab"], .array(vocabulary + [piece(one, -2), piece(one, -3)])))
            }
        }
    }

    @Test func whatT5DoesNotDo() throws {
        let lower = step("Lowercase")
        let refused: [(String, [String], JSONValue)] = [
            ("model.type: \"BPE\"; expected \"Unigram\"", ["model", "type"], .string("BPE")),
            ("model.type: \"WordPiece\"", ["model", "type"], .string("WordPiece")),
            ("model.type: null", ["model"], .null),
            ("model.byte_fallback: true; expected false", ["model", "byte_fallback"], .bool(true)),
            ("model.dropout: 0.1; expected no such key", ["model", "dropout"], .number(0.1)),
            ("normalizer: Lowercase", ["normalizer"], lower),
            ("normalizer: NFD", ["normalizer"], step("NFD")),
            (
                "normalizer.normalizers[1]: NFKC", ["normalizer"],
                sequence("normalizers", step("Strip", ["strip_right": .bool(true)]), step("NFKC"))
            ),
            ("pre_tokenizer: null", ["pre_tokenizer"], .null),
            ("pre_tokenizer: ByteLevel", ["pre_tokenizer"], step("ByteLevel")),
            (
                "pre_tokenizer.pretokenizers[0]: Digits", ["pre_tokenizer"],
                sequence("pretokenizers", step("Digits"), metaspace)
            ),
            ("pre_tokenizer: Whitespace", ["pre_tokenizer"], step("Whitespace")),
            ("pre_tokenizer.replacement: \"_\"", ["pre_tokenizer"], metaspace.setting(["replacement"], .string("_"))),
            (
                "pre_tokenizer.prepend_scheme: \"never\"", ["pre_tokenizer"],
                metaspace.setting(["prepend_scheme"], .string("never"))
            ),
            ("post_processor.type: null", ["post_processor"], .null),
            ("post_processor.type: \"BertProcessing\"", ["post_processor", "type"], .string("BertProcessing")),
            ("post_processor.single: an array; expected $A </s>", ["post_processor", "single"], .array([])),
            ("decoder.type: \"ByteLevel\"", ["decoder"], step("ByteLevel")),
            ("added_tokens[0].special: false", ["added_tokens"], .array([token(3, "▁a", special: false)])),
            ("no piece </s>", ["added_tokens"], .array([token(0, "<pad>")])),
        ]
        for (reason, key, value) in refused {
            expectFailure(PIXART_ERROR_MODEL, folder.path + "/tokenizer.json", reason) {
                _ = try open(file.setting(key, value))
            }
        }
    }

    @Test func damaged() throws {
        let vocabulary = ["model", "vocab"]
        let faults: [(String, [String], JSONValue)] = [
            ("model.vocab: missing", ["model"], step("Unigram")),
            ("model.vocab: an object; expected an array", vocabulary, .object([:])),
            ("model.vocab[0]: \"a\"; expected [a string, a number]", vocabulary, .array([.string("a"), .null, .null])),
            ("model.vocab[1]: an array", vocabulary, .array([piece("a", 0), .array([.string("b")]), piece("c", 0)])),
            ("model.unk_id: 6; expected an index", ["model", "unk_id"], .integer(6)),
            ("model.unk_id: -1", ["model", "unk_id"], .integer(-1)),
            ("model.unk_id: null", ["model", "unk_id"], .null),
            (
                "piece 0, \"a\", has the score nan", vocabulary,
                .array([piece("a", .nan), piece("b", 0), piece("<unk>", 0)])
            ),
            ("has the score -inf", vocabulary, .array([piece("a", -1e300), piece("b", 0), piece("<unk>", 0)])),
            ("piece 0 has 0 bytes", vocabulary, .array([piece("", 0), piece("b", 0), piece("<unk>", 0)])),
            ("added_tokens: an object", ["added_tokens"], .object([:])),
            ("added_tokens[0].id: -4", ["added_tokens"], .array([token(-4, "a")])),
            ("added_tokens[0].content: missing", ["added_tokens"], .array([.object(["id": .integer(0)])])),
            (
                "added_tokens[0]: \"</s>\" has the id 0; expected \"<pad>\"", ["added_tokens"],
                .array([token(0, "</s>")])
            ),
            ("normalizer.precompiled_charsmap: not base64", ["normalizer"], charsmap("a$==")),
            ("normalizer.precompiled_charsmap: not base64", ["normalizer"], charsmap("abc")),
            ("normalizer.precompiled_charsmap: normalization tables of 3 bytes", ["normalizer"], charsmap("abcd")),
            ("normalizer.precompiled_charsmap: a normalization trie of", ["normalizer"], charsmap("abcdabcd")),
        ]
        for (reason, key, value) in faults {
            expectFailure(PIXART_ERROR_FORMAT, folder.path + "/tokenizer.json", reason) {
                let special: [JSONValue] = key == vocabulary ? [] : [token(0, "<pad>"), token(1, "</s>")]
                _ = try open(file.setting(["added_tokens"], .array(special)).setting(key, value))
            }
        }
        let twice = try #require(file["model"]?["vocab"]?.array) + [piece("b", -7)]
        expectFailure(PIXART_ERROR_FORMAT, "model.vocab: piece 6, \"b\", is there twice") {
            _ = try open(file.setting(vocabulary, .array(twice)))
        }
        for text in ["", "[]", "{\"model\"", "null"] {
            let path = try folder.write("tokenizer.json", Array(text.utf8))
            expectFailure(PIXART_ERROR_FORMAT, path) { _ = try Tokenizer(path: path) }
        }
    }

    private func charsmap(_ text: String) -> JSONValue {
        step("Precompiled", ["precompiled_charsmap": .string(text)])
    }

    @Test func tooLarge() throws {
        let path = try folder.write("tokenizer.json", Array("{".utf8))
        try #require(truncate(path, (64 << 20) + 1) == 0)
        expectFailure(PIXART_ERROR_FORMAT, path, "expected at most 67108864") { _ = try Tokenizer(path: path) }
    }
}

extension JSONValue {
    /// With another value for the member at `path`.
    fileprivate func setting(_ path: [String], _ value: JSONValue) -> JSONValue {
        guard let key = path.first else { return value }
        var members = object ?? [:]
        members[key] = (members[key] ?? .null).setting(Array(path.dropFirst()), value)
        return .object(members)
    }
}
