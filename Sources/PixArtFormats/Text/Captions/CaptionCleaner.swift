import PixArtStorage

/// Prepares captions for the text encoder exactly as diffusers 0.42.1 does
/// (`PixArtAlphaPipeline._text_preprocessing`, on Python 3.11 with beautifulsoup4 4.15 and ftfy 6.3.1).
///
/// Cleaning was made for captions from the web. It removes much of a prompt: CJK characters, addresses, file names,
/// long numbers, brackets. diffusers does it by default, and it changes the image of a prompt.
///
/// Three differences are known. Nesting that needs many passes over the caption is refused; see `RepairBudget`. A
/// numeric reference with more than 4300 digits fails in Python, and is U+FFFD here. Whether a character newer than
/// Unicode 14 is a letter depends on the PCRE2 in use, as it depends on the Python in use.
package enum CaptionCleaner {
    /// Cleaning with `clean_caption=True`: everything twice, because the first round can uncover work for the
    /// second.
    ///
    /// Time is linear in the length of the caption. Throws `.argument` for markup that diffusers refuses too
    /// (`<![` that does not start a known section) and for nesting beyond `RepairBudget`. Throws `.memory`.
    package static func clean(_ caption: String) throws(PixArtError) -> String {
        try cleanOnce(try cleanOnce(caption))
    }

    /// Cleaning with `clean_caption=False`: lower case, without white space at the ends.
    package static func normalize(_ caption: String) -> String {
        PythonText.stripped(PythonText.lowercased(caption))
    }

    private static func cleanOnce(_ caption: String) throws(PixArtError) -> String {
        var text = PercentEncoding.decode(caption)
        text = PythonText.lowercased(PythonText.stripped(text))
        text = try apply(CaptionRules.addresses, to: text)
        text = try HTMLParser.text(of: text)
        text = try apply(CaptionRules.webPhrases, to: text)
        let hyphens = CaptionRules.hyphens
        if try hyphens.count(in: text) > 3 { text = try hyphens.replacing(text, with: " ") }
        text = try TextRepair.repaired(text)
        text = HTMLReferences.unescape(HTMLReferences.unescape(text))
        text = try apply(CaptionRules.shopPhrases, to: text)
        text = try CaptionRules.punctuationBeforeWord.replacing(text) { String(decoding: $0, as: UTF8.self) + " " }
        text = try CaptionRules.spaces.replacing(text, with: " ")
        text = try CaptionRules.quoted.replacing(text) { String(decoding: $0.dropFirst().dropLast(), as: UTF8.self) }
        text = try apply(CaptionRules.ends, to: text)
        return PythonText.stripped(text)
    }

    private static func apply(_ rules: [CaptionRules.Rule], to text: String) throws(PixArtError) -> String {
        var text = text
        for rule in rules { text = try rule.pattern.replacing(text, with: rule.replacement) }
        return text
    }
}
