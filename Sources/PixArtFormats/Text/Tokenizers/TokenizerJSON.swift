import PixArtStorage

extension UnigramModel {
    /// Reads the `tokenizer.json` at `path`, as transformers writes it for T5. Fails with `.file`, with `.format`
    /// if the file is damaged, and with `.model` naming the key if its value differs from T5's tokenizer.
    package init(tokenizerJSON path: String) throws(PixArtError) {
        self = try TokenizerJSON(path).model()
    }
}

/// A file `tokenizer.json` of the library tokenizers.
///
/// Only its contents are used. The split follows SentencePiece, which chooses other pieces than the library tokenizers
/// does if two splits have equal scores.
private struct TokenizerJSON {
    private let path: String
    private let root: JSONValue

    init(_ path: String) throws(PixArtError) {
        self.path = path
        root = try JSONValue.load(path: path, maximumBytes: 64 << 20)
    }

    func model() throws(PixArtError) -> UnigramModel {
        guard root.object != nil else { throw .format("\(path): \(root.kind); expected an object") }
        let model = root["model"] ?? .null
        try require(model["type"], is: "Unigram", "model.type")
        try checkUnigram(model)
        try checkPreTokenizer(root["pre_tokenizer"] ?? .null)
        try checkPostProcessor(root["post_processor"] ?? .null)
        try checkDecoder(root["decoder"] ?? .null)
        var normalizer = TextNormalizer()
        normalizer.rules = try rules(root["normalizer"] ?? .null)
        let (pieces, unknown) = try pieces(model)
        return try UnigramModel(
            source: path, origin: "\(path): model.vocab", pieces: pieces, normalizer: normalizer, unknown: unknown,
            endOfSequence: pieces.id(of: "</s>".utf8, .control), pad: pieces.id(of: "<pad>".utf8, .control))
    }

    private func checkUnigram(_ model: JSONValue) throws(PixArtError) {
        for (key, value) in (model.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            switch (key.text, value) {
            case ("type", _), ("vocab", _), ("unk_id", _), (_, .null), ("byte_fallback", .bool(false)): break
            default: throw refusal("model.\(key)", value, key == "byte_fallback" ? "false" : "no such key")
            }
        }
    }

    /// The vocabulary. Special tokens are never part of a split, because text never becomes one.
    private func pieces(_ model: JSONValue) throws(PixArtError) -> (PieceList, unknown: Int) {
        guard let vocabulary = model["vocab"]?.array else {
            throw malformed("model.vocab", model["vocab"], "an array")
        }
        guard let unknown = model["unk_id"]?.integer.flatMap(Int.init(exactly:)), vocabulary.indices ~= unknown else {
            throw malformed("model.unk_id", model["unk_id"], "an index of model.vocab, which has \(vocabulary.count)")
        }
        var texts: [(text: String, score: Float)] = []
        texts.reserveCapacity(vocabulary.count)
        for (id, entry) in vocabulary.enumerated() {
            guard let pair = entry.array, pair.count == 2, let text = pair[0].string, let score = pair[1].number else {
                throw malformed("model.vocab[\(id)]", entry, "[a string, a number]")
            }
            texts.append((text, Float(score)))
        }
        let special = try specialTokens(texts.map(\.text))
        var pieces = PieceList()
        for (id, piece) in texts.enumerated() {
            let kind: PieceList.Kind = id == unknown ? .unknown : special.contains(id) ? .control : .normal
            pieces.append(piece.text.utf8, score: piece.score, kind)
        }
        return (pieces, unknown)
    }

    /// The ids in `added_tokens`.
    private func specialTokens(_ texts: [String]) throws(PixArtError) -> Set<Int> {
        guard let tokens = root["added_tokens"]?.array else {
            throw malformed("added_tokens", root["added_tokens"], "an array")
        }
        var ids: Set<Int> = []
        for (index, token) in tokens.enumerated() {
            let key = "added_tokens[\(index)]"
            guard let id = token["id"]?.integer.flatMap(Int.init(exactly:)), id >= 0 else {
                throw malformed("\(key).id", token["id"], "an integer of at least 0")
            }
            guard let content = token["content"]?.string else {
                throw malformed("\(key).content", token["content"], "a string")
            }
            guard token["special"]?.bool == true else {
                throw refusal("\(key).special", token["special"] ?? .null, "true")
            }
            if texts.indices ~= id, !texts[id].utf8.elementsEqual(content.utf8) {
                throw .format(
                    "\(path): \(key): \"\(content)\" has the id \(id); expected \"\(texts[id])\", as in model.vocab")
            }
            ids.insert(id)
        }
        return ids
    }

    /// The rules of a normalizer `Precompiled`, alone or followed by the treatment of spaces that SentencePiece
    /// has anyway.
    private func rules(_ normalizer: JSONValue) throws(PixArtError) -> NormalizationRules? {
        var rules: NormalizationRules?
        for (key, step) in try steps(normalizer, "normalizer", list: "normalizers") {
            switch step["type"]?.string {
            case "Precompiled" where rules == nil:
                guard let text = step["precompiled_charsmap"]?.string, let tables = Base64.decoded(text) else {
                    throw .format("\(path): \(key).precompiled_charsmap: not base64; expected a string of base64")
                }
                rules = try NormalizationRules(tables: tables, origin: "\(path): \(key).precompiled_charsmap")
            case "Strip" where step["strip_right"]?.bool == true: break
            case "Replace" where step["pattern"]?["Regex"]?.string == " {2,}" && isSpace(step["content"]): break
            default: throw refusal(key, step, "Precompiled, or that followed by Strip and Replace of spaces")
            }
        }
        return rules
    }

    private func isSpace(_ content: JSONValue?) -> Bool { content == .string(" ") || content == .string("\u{2581}") }

    private func checkPreTokenizer(_ preTokenizer: JSONValue) throws(PixArtError) {
        let steps = try steps(preTokenizer, "pre_tokenizer", list: "pretokenizers")
        for (index, (key, step)) in steps.enumerated() {
            switch step["type"]?.string {
            case "WhitespaceSplit" where index == 0 && steps.count == 2: break
            case "Metaspace" where index == steps.count - 1: try checkMetaspace(step, key, isAlone: steps.count == 1)
            default: throw refusal(key, step, "Metaspace, or WhitespaceSplit followed by it")
            }
        }
        guard !steps.isEmpty, steps.count <= 2 else {
            throw refusal("pre_tokenizer", preTokenizer, "Metaspace, or WhitespaceSplit followed by it")
        }
    }

    private func checkDecoder(_ decoder: JSONValue) throws(PixArtError) {
        if decoder == .null { return }
        try require(decoder["type"], is: "Metaspace", "decoder.type")
        try checkMetaspace(decoder, "decoder", isAlone: true)
    }

    /// "first" equals "always" unless the text was split into words before.
    private func checkMetaspace(_ step: JSONValue, _ key: String, isAlone: Bool) throws(PixArtError) {
        try require(step["replacement"], is: "\u{2581}", "\(key).replacement")
        switch step["prepend_scheme"] {
        case .string("always"): break
        case .string("first") where isAlone: break
        case nil where step["add_prefix_space"]?.bool != false: break
        case let scheme: throw refusal("\(key).prepend_scheme", scheme ?? .string("never"), "\"always\"")
        }
    }

    private func checkPostProcessor(_ processor: JSONValue) throws(PixArtError) {
        try require(processor["type"], is: "TemplateProcessing", "post_processor.type")
        let template = processor["single"]?.array ?? []
        guard template.count == 2, template[0]["Sequence"]?["id"]?.string == "A",
            template[1]["SpecialToken"]?["id"]?.string == "</s>"
        else { throw refusal("post_processor.single", processor["single"] ?? .null, "$A </s>") }
    }

    /// The steps of a `Sequence`, or the value as the only step, each with its key. No steps for null.
    private func steps(_ value: JSONValue, _ key: String, list: String) throws(PixArtError) -> [(String, JSONValue)] {
        if value == .null { return [] }
        guard value["type"]?.string == "Sequence" else { return [(key, value)] }
        guard let steps = value[list]?.array else { throw malformed("\(key).\(list)", value[list], "an array") }
        return steps.enumerated().map { ("\(key).\(list)[\($0.offset)]", $0.element) }
    }

    private func require(_ value: JSONValue?, is expected: String, _ key: String) throws(PixArtError) {
        guard value?.string == expected else { throw refusal(key, value ?? .null, "\"\(expected)\"") }
    }

    private func malformed(_ key: String, _ found: JSONValue?, _ expected: String) -> PixArtError {
        .format("\(path): \(key): \(found.map(brief) ?? "missing"); expected \(expected)")
    }

    private func refusal(_ key: String, _ found: JSONValue, _ expected: String) -> PixArtError {
        .model("\(path): \(key): \(brief(found)); expected \(expected), as in T5's tokenizer")
    }

    /// A value as short as a message needs it. Objects are described by their type.
    private func brief(_ value: JSONValue) -> String {
        if let type = value["type"]?.string { return type }
        return switch value {
        case .array, .object: value.kind
        default: value.serialized()
        }
    }
}
