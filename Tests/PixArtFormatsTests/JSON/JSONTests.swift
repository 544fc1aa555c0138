import CPixArt
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, source: "config.json") }

    private func expectFault(_ text: String, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        expectFailure(PIXART_ERROR_FORMAT, ["config.json"] + parts, sourceLocation: sourceLocation) {
            _ = try parse(text)
        }
    }

    @Test func kindsOfValues() throws {
        let value = try parse(#" {"a": [null, true, false, -3, 2.5, "x"], "b": {}, "c": []} "#)
        let array: [JSONValue] = [.null, .bool(true), .bool(false), .integer(-3), .number(2.5), .string("x")]
        #expect(value == .object(["a": .array(array), "b": .object([:]), "c": .array([])]))
        #expect(array.map(\.kind) == ["null", "a boolean", "a boolean", "an integer", "a number", "a string"])
        #expect(value.kind == "an object")
        #expect(value["a"]?.kind == "an array")
        #expect(value["z"] == nil)
        #expect(value["a"]?["z"] == nil)
    }

    @Test func scalarsAreDocuments() throws {
        #expect(try parse("null") == .null)
        #expect(try parse("12") == .integer(12))
        #expect(try parse("12 \n") == .integer(12))
        #expect(try parse("-1.5e3") == .number(-1500))
        #expect(try parse("\"\"") == .string(""))
    }

    @Test func accessorsTakeTheirOwnKindOnly() {
        #expect(JSONValue.integer(3).number == 3)
        #expect(JSONValue.unsigned(.max).number == 18_446_744_073_709_551_616)
        #expect(JSONValue.integer(3).unsigned == 3)
        #expect(JSONValue.integer(-3).unsigned == nil)
        #expect(JSONValue.unsigned(.max).unsigned == .max)
        #expect(JSONValue.unsigned(.max).integer == nil)
        #expect(JSONValue.number(3).integer == nil)
        #expect(JSONValue.bool(true).integer == nil)
        #expect(JSONValue.integer(1).bool == nil)
        #expect(JSONValue.string("1").number == nil)
        #expect(JSONValue.null.string == nil)
        #expect(JSONValue.null.array == nil)
        #expect(JSONValue.null.object == nil)
    }

    @Test func numbersThatAreNotJSONButPython() throws {
        let value = try parse(#"{"lambda_min_clipped": -Infinity, "a": Infinity, "b": NaN}"#)
        #expect(value["lambda_min_clipped"] == .number(-.infinity))
        #expect(value["a"] == .number(.infinity))
        #expect(value["b"]?.number?.isNaN == true)
    }

    /// json-c clamps these silently. The last one is in every tokenizer_config.json.
    @Test func integersAroundAndBeyond64Bits() throws {
        let text = """
            [9223372036854775807, 9223372036854775808, 18446744073709551615, 18446744073709551616,
             -9223372036854775808, -9223372036854775809, {"x": 1000000000000000019884624838656}, 18446744073709551615, 1]
            """
        #expect(
            try parse(text)
                == .array([
                    .integer(.max), .unsigned(1 << 63), .unsigned(.max), .number(18_446_744_073_709_551_616),
                    .integer(.min),
                    .number(-9_223_372_036_854_775_808), .object(["x": .number(1e30)]), .unsigned(.max), .integer(1),
                ]))
    }

    /// What each dialect reads: an integer if the number has no fraction, unless numbers keep their spelling.
    @Test func wholeNumbersOfDialects() throws {
        func read(_ text: String, _ dialect: JSONDialect) throws -> JSONValue {
            try JSONValue(parsing: text, source: "config.json", dialect: dialect)
        }
        let whole: [(String, Int64)] = [
            ("1.0", 1), ("0.0", 0), ("-0.0", 0), ("1e3", 1000), ("1E3", 1000), ("-2.50e1", -25), ("28.000", 28),
            ("9007199254740992.0", 1 << 53), ("-9007199254740992.0", -(1 << 53)),
        ]
        for (text, value) in whole {
            #expect(try read(text, .python) == .integer(value), "\(text)")
            for dialect in [JSONDialect.strict, .verbatim] {
                let number = try read(text, dialect)
                #expect(number.integer == nil && number.number == Double(value), "\(text)")
            }
        }
        for text in ["1.5", "1e-3", "1e300", "-1e300", "1e19", "9007199254740994.0", "0.1", "1e-320"] {
            for dialect in [JSONDialect.strict, .python, .verbatim] {
                #expect(try read(text, dialect) == .number(#require(Double(text))), "\(text)")
            }
        }
        #expect(try read("7", .python) == .integer(7) && read("7", .strict) == .integer(7))
        #expect(try read("18446744073709551615", .python) == .unsigned(.max))
        #expect(try read("NaN", .python).number?.isNaN == true && read("-Infinity", .python).number == -.infinity)
        #expect(try read("0.0", .verbatim).serialized() == "0.0" && read("1e3", .verbatim).serialized() == "1000.0")
    }

    /// The last of duplicate members counts, at any depth, however the name is escaped.
    @Test func repeatedNamesOfDialects() throws {
        for (text, value) in [
            (#"{"a": 1, "b": 2, "a": 3}"#, 3), (#"{"a": 1, "\u0061": 3}"#, 3), (#"{"a": {"x": 1}, "a": 3}"#, 3),
            (#"{"a": 1, "a": 2, "a": 3}"#, 3), (#"{"a": 3, "b": {"a": 1, "a": 2}}"#, 3),
        ] as [(String, Int64)] {
            for dialect in [JSONDialect.python, .verbatim] {
                #expect(try JSONValue(parsing: text, source: "x", dialect: dialect)["a"] == .integer(value))
            }
            expectFault(text, "\"a\"", "twice")
        }
        let inner = try JSONValue(parsing: #"[{"a": {"b": 1.0, "b": 2.0}}]"#, source: "x", dialect: .python)
        #expect(inner == .array([.object(["a": .object(["b": .integer(2)])])]))
        let path = try ScratchFolder()
        let file = try path.write("config.json", #"{"num_layers": 27, "num_layers": 28.0}"#.utf8)
        #expect(try JSONValue.load(path: file)["num_layers"] == .integer(28))
    }

    /// No dialect accepts more invalid JSON than another.
    @Test func grammarIsOneForAllDialects() {
        for text in ["{a: 1}", "[1,]", "01", "+1", ".5", "'a'", "{\"a\\u0000\": 1}", "[1] 2", "True", "1e", "--1"] {
            for dialect in [JSONDialect.python, .verbatim, .strict] {
                #expect(throws: PixArtError.self, "\(text)") {
                    _ = try JSONValue(parsing: text, source: "x", dialect: dialect)
                }
            }
        }
    }

    @Test func sizesHaveLimits() throws {
        func list(_ element: String, _ count: Int) -> String {
            "[" + [String](repeating: element, count: count).joined(separator: ",") + "]"
        }
        #expect(try parse(list("1", 262_143)).array?.count == 262_143)
        expectFault(list("1", 262_144), "more than 262144 values; expected at most 262144")
        expectFault(list("[]", 200_000), "values")
        expectFault(list("{}", 70_000), "more than 65536 objects")
        #expect(try parse(list("\"[{,\\\"{,\"", 90_000)).array?.count == 90_000, "brackets in strings are text")
        let folder = try ScratchFolder()
        let path = try folder.write("a.json", Array("\"\(String(repeating: "x", count: 4 << 20))\"".utf8))
        expectFailure(PIXART_ERROR_FORMAT, path, "4194306 bytes", "at most 4194304") {
            _ = try JSONValue.load(path: path)
        }
        #expect(try JSONValue.load(path: path, maximumBytes: 5 << 20).string?.utf8.count == 4 << 20)
    }

    @Test func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\t""#) == .string("\"\\/\u{8}\u{C}\n\r\t"))
        #expect(try parse(#""\u00e9\u732b\ud83d\ude00""#) == .string("é猫😀"))
        #expect(try parse(#""a\u0000b""#) == .string("a\0b"))
        #expect(try parse(#""\ud800""#) == .string("\u{FFFD}"))
        #expect(
            try parse(#"{"\u0061": 1, "{\"b\":1,\"b\":2}": "a\\"}"#)
                == .object(["a": .integer(1), "{\"b\":1,\"b\":2}": .string("a\\")]))
    }

    @Test func equalNamesInOneObject() throws {
        expectFault(#"{"a": 1, "b": 2, "a": 3}"#, "\"a\"", "twice", "byte 17")
        expectFault(#"{"x": [{"a": {"k": 1}, "a" : 3}]}"#, "\"a\"", "twice")
        expectFault(#"{"a": 1, "\u0061": 3}"#, "\"a\"", "twice")
        #expect(try parse(#"[{"a": {"a": 1}}, {"a": "a"}]"#).array?.count == 2)
    }

    @Test func namesWithNUL() { expectFault(#"{"a\u0000b": 1}"#, "NUL", "byte 1") }

    @Test func malformedTexts() {
        for text in [
            "", " ", "{", "[1", "{\"a\"", "{\"a\":", "\"x", "tru", "-", "[1,]", "{\"a\":1,}", "[1 2]", "{a: 1}", "'a'",
        ] {
            expectFault(text, "not JSON", "byte")
        }
        for text in [
            "01", "+1", ".5", "0x10", "nan", "infinity", "-infinity", "True", "/* x */ 1", "// x\n1", "\0", "1\0",
        ] {
            expectFault(text, "not JSON", "byte")
        }
        expectFault("{\"a\": 1} x", "byte 9")
        expectFault("[1, 2, oops]", "byte 7")
        expectFault("[1] [2]", "byte 4")
        expectFault("{\"a\": 1}\0", "byte 8")
    }

    @Test func invalidUTF8() {
        for bytes: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xC0, 0x80]] {
            expectFailure(PIXART_ERROR_FORMAT, "config.json", "byte 1", "UTF-8") {
                let text: [UInt8] = [0x22] + bytes + [0x22]
                _ = try text.withUnsafeBytes { try JSONValue(parsing: $0, source: "config.json") }
            }
        }
    }

    @Test func nestingHasALimit() throws {
        let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        #expect(try parse(deep(64)).kind == "an array")
        expectFault(deep(65), "nesting")
        expectFault(String(repeating: "[", count: 64) + "1" + String(repeating: "]", count: 64), "nesting")
        expectFault(String(repeating: "[", count: 1_000_000), "nesting")
        expectFault(String(repeating: "{\"a\":", count: 1_000_000), "nesting")
    }

    @Test func serializing() throws {
        let value = JSONValue.object([
            "b": .array([
                .null, .bool(false), .integer(-1), .unsigned(.max), .number(0.1), .number(1e-7), .number(1e300),
            ]),
            "a": .string("é\n\"/\u{1}"), "c": .object([:]), "d": .array([]), "e": .number(-.infinity), "f": .number(3),
        ])
        let text =
            #"{"a":"é\n\"/\u0001","b":[null,false,-1,18446744073709551615,0.1,1e-07,1e+300],"#
            + #""c":{},"d":[],"e":-Infinity,"f":3.0}"#
        #expect(value.serialized() == text)
        #expect(try parse(value.serialized()) == value)
        #expect(try parse(value.serialized(pretty: true)) == value)
        #expect(
            JSONValue.object(["a": .array([.integer(1)])]).serialized(pretty: true) == "{\n  \"a\": [\n    1\n  ]\n}")
        #expect(JSONValue.null.serialized() == "null")
        #expect(JSONValue.string("").serialized() == "\"\"")
        #expect(JSONValue.string("a\0b").serialized() == #""a\u0000b""#)
    }

    @Test func doublesKeepTheirValue() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let read = try parse(JSONValue.number(value).serialized()).number
            #expect(read?.bitPattern == value.bitPattern)
        }
    }

    @Test func loading() throws {
        let folder = try ScratchFolder()
        let path = try folder.write("config.json", #"{"num_layers": 28}"#.utf8)
        #expect(try JSONValue.load(path: path)["num_layers"] == .integer(28))
        let bad = try folder.write("bad.json", "{".utf8)
        expectFailure(PIXART_ERROR_FORMAT, bad) { _ = try JSONValue.load(path: bad) }
        let empty = try folder.write("empty.json", "".utf8)
        expectFailure(PIXART_ERROR_FORMAT, empty) { _ = try JSONValue.load(path: empty) }
        expectFailure(PIXART_ERROR_FILE, "/none.json") { _ = try JSONValue.load(path: folder.path + "/none.json") }
        expectFailure(PIXART_ERROR_FILE, folder.path) { _ = try JSONValue.load(path: folder.path) }
    }

    /// The parser returns for all bytes: random edits of a valid text neither trap nor hang.
    @Test func damagedTexts() throws {
        let whole = Array(#"{"a": [1, -2.5e3, "\u00e9\n", {"b": null}], "c": true, "d": -Infinity, "é": "猫"}"#.utf8)
        var random = SplitMix(seed: 11)
        var faults = 0
        for _ in 0..<20000 {
            var bytes = whole
            for _ in 0...random.next() % 3 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            do throws(PixArtError) {
                _ = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self), source: "x")
            } catch {
                faults += 1
                #expect(error.status == PIXART_ERROR_FORMAT)
            }
        }
        #expect(faults > 10000)
    }
}
