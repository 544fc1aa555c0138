/// The regular expressions of diffusers' `_clean_caption`, in the order in which they apply.
///
/// They match what diffusers' patterns match, but in linear time: a run of characters is tried only from its
/// beginning, if later beginnings cannot match more.
enum CaptionRules {
    typealias Rule = (pattern: RegularExpression, replacement: String)

    private static let (word, digit, space) = (
        RegularExpression.word, RegularExpression.digit, RegularExpression.space
    )
    private static let (boundary, beginning, ending) = (
        RegularExpression.boundary, RegularExpression.beginning, RegularExpression.ending
    )
    private static let fileKind = "(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)"

    private static func rule(_ pattern: String, _ replacement: String = "") -> Rule {
        (RegularExpression(pattern), replacement)
    }

    // MARK: Before HTML is read

    static let addresses = [rule("<person>", "person"), address(scheme: "https?:"), address(scheme: "www:")]

    /// A scheme with the slashes or the one character after it, or else a domain with its path, except a user's
    /// ("@").
    ///
    /// If neither begins at a place, no domain begins in the rest of that run of characters. So the search
    /// continues after the run, or at the next scheme.
    private static func address(scheme: String) -> Rule {
        let atScheme = "\(beginning)\(scheme)"
        return rule(
            "\(atScheme)(?:/{1,3}|[a-zA-Z0-9%])"
                + #"|\#(boundary)[a-zA-Z0-9.\-]+\.(?:com|co|ru|net|org|edu|gov|it)[\#(word)/\-]*\#(boundary)/?(?!@)"#
                + #"|\#(boundary)(?:(?!\#(atScheme))[a-zA-Z0-9.\-])++(*SKIP)(*FAIL)"#)
    }

    // MARK: Once HTML is read

    static let webPhrases = [
        rule("@[\(word)]++"),
        // CJK strokes, ideographs and enclosed forms, phonetic extensions, Yijing hexagrams
        rule(#"[\x{31c0}-\x{9fff}]++"#),
        // Dashes of all kinds
        rule(
            #"[-\x{58a}\x{5be}\x{1400}\x{1806}\x{2010}-\x{2015}\x{2e17}\x{2e1a}\x{2e3a}\x{2e3b}\x{2e40}\x{301c}\x{3030}"#
                + #"\x{30a0}\x{fe31}\x{fe32}\x{fe58}\x{fe63}\x{ff0d}]++"#, "-"),
        rule("[`´«»“”¨]", "\""),
        rule("[‘’]", "'"),
        rule("&quot;?"),
        rule("&amp"),
        // Internet addresses
        rule(#"[\#(digit)]{1,3}\.[\#(digit)]{1,3}\.[\#(digit)]{1,3}\.[\#(digit)]{1,3}"#, " "),
        // Times at the end
        rule("[\(digit)]:[\(digit)]{2}[\(space)]+$"),
        rule(#"\\n"#, " "),
        rule("#[\(digit)]{1,3}\(ending)"),
        rule("#[\(digit)]{5,}+\(ending)"),
        rule("\(beginning)[\(digit)]{6,}+\(ending)"),
        // Names of files
        rule(#"(?<![^\#(space)])[^\#(space)]+\.\#(fileKind)"#),
        rule("[\"']{2,}+", "\""),
        rule(#"\.{2,}+"#, " "),
        rule(#"[#®•©™&@·º½¾¿¡§~()\[\]{}|\\/*]++"#, " "),
        rule(#"(?<![\#(space)])[\#(space)]++\.[\#(space)]++"#, " "),
    ]

    /// More than three of these, which all become spaces: this-is-my-cute-cat.
    static let hyphens = RegularExpression("[-_]")

    // MARK: Once encodings are repaired

    static let shopPhrases = [
        // Article numbers: jc6640, jc6640vc, 6640vc231
        rule("\(beginning)[a-zA-Z]{1,3}[\(digit)]{3,15}\(ending)"),
        rule("\(beginning)[a-zA-Z]++[\(digit)]++[a-zA-Z]++\(ending)"),
        rule("\(beginning)[\(digit)]++[a-zA-Z]++[\(digit)]++\(ending)"),
        rule("(?:worldwide[\(space)]+)?(?:free[\(space)]+)?shipping"),
        rule("(?:free[\(space)])?download(?:[\(space)]free)?"),
        rule("\(beginning)click[\(space)](?:for|on)[\(space)][\(word)]++"),
        rule("\(beginning)\(fileKind)(?:[\(space)]images?)?"),
        rule("\(beginning)page[\(space)]++[\(digit)]++\(ending)"),
        // j2d1a2a
        rule(
            "\(beginning)[\(digit)]*+[a-zA-Z]++[\(digit)]++[a-zA-Z]++[\(digit)][a-zA-Z\(digit)]*+\(ending)", " "),
        // 1024x768
        rule(
            #"\#(beginning)[\#(digit)]++(?:\.[\#(digit)]*+)?[xх×][\#(digit)]++(?:\.[\#(digit)]*)?\#(boundary)"#),
        rule("(?<=[\(word)])[\(space)]++:[\(space)]++", ": "),
    ]

    /// Inserts a space after a match.
    static let punctuationBeforeWord = RegularExpression("[^\(digit)][,./](?=[\(word)])")
    static let spaces = RegularExpression("[\(space)]++")

    // MARK: At the ends

    static let quoted = RegularExpression(#"\A["'](?s:.+)["']$"#)
    static let ends = [rule(#"\A['_,\-:;]"#), rule(#"['_,\-:+]$"#), rule(#"\A\.[^\#(space)]+$"#)]
}
