import Foundation
import PixArtFormats
import PixArtStorage
import Testing

/// Cleaning takes linear time, or refuses the caption.
@Suite struct CaptionLengthTests {
    /// Each level of references, or each misread character, shows only after a pass over the text.
    private static func nested(_ levels: Int, _ marks: String = "＆＃") -> String {
        let digits = (0..<levels).reversed().map { $0 % 5 == 4 ? "4" : "5" }
        return digits.map { marks + $0 }.joined() + "0" + String(repeating: ";", count: levels)
    }

    private static func times(_ count: Int, _ piece: String) -> String { String(repeating: piece, count: count) }

    private static let shallow: [(caption: String, repaired: String)] = [
        (nested(10), "0"), (nested(50), "0"), (nested(250), "0"), (nested(250, "&#"), "0"),
        ("\(times(200, "Â"))©", "©"),
        ("\(times(10, "&#3"))\(times(10, "8;"))", "\(times(9, "&#3"))&\(times(9, "8;"))"),
    ]

    @Test(arguments: shallow)
    func repairsNestingLikeFtfy(_ caption: String, to expected: String) throws {
        #expect(try TextRepair.repaired(caption) == expected)
    }

    private static let deep: [String] = [
        nested(8_000), nested(16_000, "&#"), nested(100_000), "a cat \(nested(10_000)) in the rain",
        "\(times(50_000, "Â"))©", times(20, "\(times(5_000, "Â"))©\n"),
    ]

    @Test(arguments: deep)
    func refusesDeepNesting(_ caption: String) throws {
        let error = #expect(throws: PixArtError.self) { try TextRepair.repaired(caption) }
        #expect(error?.status == PixArtError.argument("").status)
        #expect(error?.message.hasPrefix("prompt: ") == true)
        #expect(error?.message.contains("; expected ") == true)
    }

    /// Many lines share the limit, but each needs few passes.
    @Test func repairsManyLines() throws {
        let lines = String(repeating: "cafÃƒÂ© &amp;eacute;\n", count: 20_000)
        #expect(try TextRepair.repaired(lines) == String(repeating: "café é\n", count: 20_000))
    }

    // MARK: Combining marks

    /// As Python's `unicodedata.normalize("NFC", ...)` orders and composes them.
    @Test(arguments: [
        ("a\u{301}\u{316}", "á\u{316}"), ("a\u{316}\u{301}", "á\u{316}"),
        (
            "a\u{344}\u{344}\u{344}\u{316}\u{301}\u{345}\u{334}\u{f81}",
            "\u{e4}\u{334}\u{f71}\u{f80}\u{316}\u{301}\u{308}\u{301}\u{308}\u{301}\u{301}\u{345}"
        ),
        ("\u{345}\u{301}\u{334}", "\u{334}\u{301}\u{345}"),
    ])
    func ordersMarks(_ caption: String, to expected: String) throws {
        #expect(Array(try TextRepair.repaired(caption).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test func ordersLongRunsOfMarks() throws {
        let (above, below) = (Self.times(49_999, "\u{301}"), Self.times(50_000, "\u{316}"))
        let found = try TextRepair.repaired("a\u{301}\(above)\(below)b")
        let expected = "\u{e1}\(below)\(above)b"
        #expect(Array(found.utf8) == Array(expected.utf8))
    }

    // MARK: Growth

    private struct Shape: Sendable {
        let name: String
        /// A caption of about this many bytes.
        let caption: @Sendable (Int) -> String

        init(_ name: String, _ caption: @escaping @Sendable (Int) -> String) {
            self.name = name
            self.caption = caption
        }
    }

    /// Captions for which a step once took, or could take, more than linear time.
    private static let shapes: [Shape] = [
        Shape("marks") { "a\(text("\u{301}", $0 / 2))\(text("\u{316}", $0 / 2))" },
        Shape("decomposed marks") { "a\(text("\u{344}", $0 / 2))\(text("\u{f73}\u{f81}", $0 / 2))" },
        Shape("descending marks") { "a\(text("\u{345}", $0 / 3))\(text("\u{301}", $0 / 3))\(text("\u{316}", $0 / 3))" },
        Shape("unquoted values") { text("<a/b=x", $0) },
        Shape("unquoted values before spaces") { text("<a/b=x", $0 / 2) + text(" ", $0 / 2) },
        Shape("tags before spaces") { text("<a", $0 / 2) + text(" ", $0 / 2) },
        Shape("tags before slashes") { text("<a", $0 / 2) + text("/", $0 / 2) },
        Shape("end tags before slashes") { text("</a", $0 / 2) + text("/ ", $0 / 2) },
        Shape("equals signs") { text("<a b==", $0) },
        Shape("capital letters") { text("É", $0) },
        Shape("ligatures") { text("ﬃ", $0) },
        Shape("references") { text("&eacute;", $0) },
        Shape("domains") { "a.com\(text("-", $0))@" },
        Shape("file names") { "a\(text(".png", $0))x" },
        Shape("times") { text("1:11\(times(500, " "))", $0) + "x" },
        Shape("sigmas") { "a\(text("Σ", $0 / 2))\(text("'", $0 / 2))" },
    ]

    private static func text(_ piece: String, _ bytes: Int) -> String {
        times(bytes / piece.utf8.count, piece)
    }

    /// Linear time grows 4 times, quadratic time 16 times.
    @Test(arguments: shapes.indices)
    func growsWithLength(_ index: Int) throws {
        let shape = Self.shapes[index]
        let short = try processorTime { _ = try CaptionCleaner.clean(shape.caption(40_000)) }
        let long = try processorTime { _ = try CaptionCleaner.clean(shape.caption(160_000)) }
        #expect(long < 10 * short + 0.5, "\(shape.name): \(short) s, then \(long) s")
    }

    /// Seconds that the calling thread spends in `body`.
    private func processorTime(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        try body()
        return now() - start
    }
}
