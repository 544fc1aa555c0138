import CPixArt
import PixArtCompute
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// Names that are canonically equivalent in Unicode are different names, as for all programs that write files.
@Suite struct NameTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Composed and decomposed letters, marks in another order, and symbols that are letters.
    private let pairs = [
        ("\u{E9}", "e\u{301}"), ("\u{D55C}", "\u{1112}\u{1161}\u{11AB}"), ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("to_K", "to_\u{212A}"), ("\u{2126}", "\u{3A9}"),
    ]

    private func save(_ file: String, _ names: [String]) throws -> String {
        let path = "\(folder.path)/\(file)"
        try Array(0..<UInt8(names.count)).withUnsafeBytes { bytes in
            try SafetensorsWriter.write(
                path: path,
                tensors: names.enumerated().map { index, name in
                    (name, .uint8, [1], UnsafeRawBufferPointer(rebasing: bytes[index..<index + 1]))
                })
        }
        return path
    }

    /// The byte that a tensor contains.
    private func value(_ source: some WeightSource, _ name: String) throws -> UInt8? {
        guard let tensor = try source[name] else { return nil }
        return withExtendedLifetime(tensor) { tensor.bytes.first }
    }

    @Test func comparing() {
        for (one, other) in pairs {
            #expect(one == other, "they are one to Swift, or there is nothing to test")
            #expect(Name(one) != Name(other) && Name(one) == Name(one))
            #expect(Set([Name(one), Name(other), Name(one)]).count == 2)
            #expect((Name(one) < Name(other)) != (Name(other) < Name(one)))
        }
        #expect(Name("a") < "b" && Name("a") < "aa" && Name("z") < "\u{E9}" && Name("") < "a")
    }

    @Test func membersOfJSON() throws {
        for (one, other) in pairs {
            let value = try JSONValue(parsing: "{\"\(one)\": 1, \"\(other)\": 2}", source: "x", dialect: .strict)
            #expect(value[one] == .integer(1) && value[other] == .integer(2))
            #expect(try JSONValue(parsing: value.serialized(), source: "x") == value)
            let single = try JSONValue(parsing: "{\"\(one)\": 1}", source: "x", dialect: .python)
            #expect(single[one] != nil && single[other] == nil)
            #expect(single != .object([Name(other): .integer(1)]))
        }
        expectFailure(PIXART_ERROR_FORMAT, "twice") {
            _ = try JSONValue(parsing: #"{"é": 1, "\u00e9": 2}"#, source: "x", dialect: .strict)
        }
    }

    @Test func tensors() throws {
        for (one, other) in pairs {
            let both = try SafetensorsFile(path: save("both", [one, other]))
            #expect(Set(both.names.map { Name($0) }) == [Name(one), Name(other)])
            #expect(try value(both, one) == 0 && value(both, other) == 1)
            #expect(try SafetensorsFile(path: save("single", [one]))[other] == nil)
            expectFailure(PIXART_ERROR_ARGUMENT, "is there twice") { _ = try save("x", [one, other, one]) }
        }
    }

    /// A network that requests one of two equivalent names leaves the other one unused.
    @Test func tensorsOfANetwork() throws {
        for (one, other) in pairs {
            let reader = WeightReader(try SafetensorsFile(path: save("both", [one, other])))
            #expect(reader.contains(one) && !reader.contains(one + "\u{301}"))
            expectFailure(PIXART_ERROR_MODEL, "U8") { _ = try reader.floats(one, [1]) }
            expectFailure(PIXART_ERROR_MODEL, other, "is not part of") { try reader.finish() }
            let single = WeightReader(try SafetensorsFile(path: save("single", [one])))
            #expect(!single.contains(other))
            expectFailure(PIXART_ERROR_MODEL, other, "is missing") { _ = try single.floats(other, [1]) }
        }
    }

    private func index(_ map: [(String, String)]) throws {
        let members = map.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
        try folder.write("model.safetensors.index.json", "{\"weight_map\": {\(members)}}".utf8)
    }

    private func open() throws -> WeightFolder {
        try WeightFolder(folder: folder.path, .init(safetensors: "model", pickle: "model"), variant: nil)
    }

    @Test func shards() throws {
        for (one, other) in pairs {
            _ = try save("1.safetensors", [one])
            _ = try save("2.safetensors", ["x", other])
            try index([(one, "1.safetensors"), (other, "2.safetensors"), ("x", "2.safetensors")])
            #expect(try value(open(), one) == 0 && value(open(), other) == 1)
            try index([(other, "1.safetensors"), ("x", "2.safetensors")])
            expectFailure(PIXART_ERROR_FORMAT, "1.safetensors", one, "does not list") { _ = try open() }
            _ = try save(one, ["x"])
            try index([("x", other)])
            expectFailure(PIXART_ERROR_FILE, other, "is not in the folder") { _ = try open() }
        }
    }

    @Test func keywordsOfPNG() throws {
        func write(_ keywords: String...) throws -> [String] {
            let path = "\(folder.path)/a.png"
            try [UInt8](repeating: 0, count: 3).withUnsafeBytes {
                let text = keywords.map { (keyword: $0, text: "x") }
                try PNGFile.write(.init(width: 1, height: 1, pixels: $0, text: text), path: path)
            }
            return try PNGImage(path: path).texts.map(\.keyword)
        }
        #expect(try write("\u{E9}", "\u{C5}", "K").map { Array($0.utf8) } == [[0xC3, 0xA9], [0xC3, 0x85], [0x4B]])
        for keyword in ["e\u{301}", "\u{212B}", "\u{212A}"] {  // the same letters to Unicode, and not Latin-1
            expectFailure(PIXART_ERROR_OPTION, keyword) { _ = try write(keyword) }
        }
    }
}
