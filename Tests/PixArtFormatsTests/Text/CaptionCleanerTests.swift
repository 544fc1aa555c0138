import Foundation
import PixArtFormats
import PixArtStorage
import Testing

/// Captions, and the steps of cleaning them, against diffusers and its libraries.
///
/// tools/goldens/make_caption_goldens.py writes the rows. The environment variable `PIXART_CAPTION_ROWS` names another
/// folder of rows, such as one from another seed.
@Suite struct CaptionCleanerTests {
    @Test(arguments: [
        ("R2D2 and BB8 (red:1.3), f/2.8, 1024x768", "and bb8 red:1.3 , f 2.8"),
        ("A <b>cat</b> &amp; a dog, see https://example.com/cat.png", "a cat a dog, see ."),
        ("A <b>fluﬀy</b> cat on the Champs-ÉlysÃ©es", "a fluffy cat on the champs-élysã es"),
        ("", ""),
    ])
    func cleans(_ caption: String, to expected: String) throws {
        #expect(try CaptionCleaner.clean(caption) == expected)
    }

    @Test func refusesSectionsThatHTMLDoesNotKnow() {
        let error = #expect(throws: PixArtError.self) { try CaptionCleaner.clean("a cat <![foo[") }
        #expect(error?.message.contains("cannot be cleaned") == true)
    }

    @Test func cleansLikeDiffusers() throws {
        let rows = try rows("captions")
        #expect(rows.count >= 2500)
        try compare(rows.map { ($0[0], $0[1]) }) { try unlessRefused($0, CaptionCleaner.clean) }
    }

    @Test func normalizesLikeDiffusers() throws {
        try compare(rows("captions").map { ($0[0], $0[2]) }) { CaptionCleaner.normalize($0) }
    }

    @Test func decodesPercentEncodingLikePython() throws { try compare("percent") { PercentEncoding.decode($0) } }

    @Test func readsHTMLLikeBeautifulSoup() throws {
        try compare("html") { try unlessRefused($0, HTMLParser.text) }
    }

    @Test func decodesReferencesLikePython() throws { try compare("references") { HTMLReferences.unescape($0) } }

    @Test func repairsEncodingsLikeFtfy() throws {
        try compare("encoding") { text in
            var budget = RepairBudget(for: text)
            return try EncodingRepair.repaired(text, &budget)
        }
    }

    @Test func repairsTextLikeFtfy() throws { try compare("repair") { try TextRepair.repaired($0) } }

    /// Text that would take quadratic time or worse if every position were tried again: minutes at this length.
    @Test(arguments: [
        "a.", "a.com@", "-", "<a ", "<a", "<a b='", "</a", "<!--", "<![cdata[", "&#", "＆amp;amp;", "1é", " ",
        "worldwide ",
        "a1é", "x1x", "1.", "Ã©", "ÃƒÂ©", "\u{1b}[", "Σ'", "\"", "ahttps:", ".png",
    ])
    func takesLinearTime(_ piece: String) throws {
        let caption = String(repeating: piece, count: 100_000 / piece.utf8.count)
        let elapsed = try ContinuousClock().measure { _ = try CaptionCleaner.clean(caption) }
        #expect(elapsed < .seconds(30), "100 kB of \(spelt(piece))")
    }

    // MARK: Rows

    private func rows(_ name: String) throws -> [[String?]] {
        let folder = ProcessInfo.processInfo.environment["PIXART_CAPTION_ROWS"].map { URL(fileURLWithPath: $0) }
        let file = try #require(
            folder?.appendingPathComponent("\(name).jsonl")
                ?? Bundle.module.url(forResource: name, withExtension: "jsonl", subdirectory: "Resources"))
        let decoder = JSONDecoder()
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode([String?].self, from: Data($0))
        }
    }

    private func unlessRefused(_ text: String, _ body: (String) throws(PixArtError) -> String) throws -> String? {
        do throws(PixArtError) {
            return try body(text)
        } catch {
            guard error.message.contains("cannot be cleaned") else { throw error }
            return nil
        }
    }

    private func compare(_ part: String, with actual: (String) throws -> String?) throws {
        let rows = try rows("caption_parts").filter { $0[0] == part }
        #expect(rows.count >= 300)
        try compare(rows.map { ($0[1], $0[2]) }, with: actual)
    }

    /// Compares every row by code points and reports the first ones that differ.
    private func compare(_ rows: [(text: String?, expected: String?)], with actual: (String) throws -> String?) throws {
        var differing = 0
        for (index, row) in rows.enumerated() {
            let found = try actual(try #require(row.text))
            if row.expected.map({ Array($0.utf8) }) == found.map({ Array($0.utf8) }) { continue }
            differing += 1
            guard differing <= 5 else { continue }
            Issue.record(
                """
                row \(index + 1)
                    text     \(spelt(row.text))
                    expected \(spelt(row.expected))
                    found    \(spelt(found))
                """)
        }
        #expect(differing == 0, "of \(rows.count) rows")
    }

    /// Text in which everything but printable ASCII is escaped.
    private func spelt(_ text: String?) -> String {
        text.map { $0.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() } ?? "an error"
    }
}
