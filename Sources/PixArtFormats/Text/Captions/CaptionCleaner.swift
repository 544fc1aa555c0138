import PixArtStorage

/// Prepares captions for the text encoder exactly as diffusers 0.42.1 does
/// (`PixArtAlphaPipeline._text_preprocessing`, on Python 3.11 with beautifulsoup4 4.15 and ftfy 6.3.1).
///
/// Cleaning was made for captions found on the web and takes a good deal away from prompts: CJK characters, addresses,
/// file names, long numbers, brackets. It is on by default there, and changes what the same prompt draws.
///
/// Three differences are known. Nesting that would take a multiple of the caption's length in passes is refused: see
/// `RepairBudget`. A numeric reference of more than 4300 digits makes Python fail, and is U+FFFD here. And
/// whether a character newer than Unicode 14 is a letter depends on the PCRE2 in use, as it does on the Python in use.
package enum CaptionCleaner {
    /// The treatment with `clean_caption=True`: everything twice, since the first round uncovers work for the second.
    ///
    /// Takes time in proportion to the caption's length. Throws `.argument` for markup that diffusers refuses too
    /// (`<![` before anything but a known section) and for nesting beyond `RepairBudget`, and `.memory`.
    package static func clean(_ caption: String) throws(PixArtError) -> String {
        try cleanOnce(try cleanOnce(caption))
    }

    /// The treatment with `clean_caption=False`: lower case, without white space at the ends.
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
