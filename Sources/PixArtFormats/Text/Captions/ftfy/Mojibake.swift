import PixArtStorage

/// Distinguishes mojibake, text that was decoded with the wrong encoding, from text that only looks unusual.
///
/// The rules are those of ftfy 6.3.1 (`ftfy.badness` and `UTF8_DETECTOR_RE`): pairs and triples of characters that are
/// hardly ever adjacent on purpose.
enum Mojibake {
    private typealias Kind = MojibakeClasses

    /// Whether `text` contains a sequence of characters that is very unlikely to be intended.
    static func isSuspected(in text: String) throws(PixArtError) -> Bool { try unlikely.matches(text) }

    /// Runs of characters that are UTF-8 in some single-byte encoding. A space may be byte 0xa0. A run does not
    /// begin right after another continuation byte, so that a part of a longer garbled run is not changed alone.
    static let utf8 = RegularExpression(
        "(?<![\(Kind.strictContinuation)])(?:[\(Kind.leadOf2)][\(Kind.continuation)]"
            + "|[\(Kind.leadOf3)][\(Kind.continuation)]{2}|[\(Kind.leadOf4)][\(Kind.continuation)]{3})+")

    private static let unlikely = RegularExpression(
        (byKind + inWindows1252 + inMacRoman + inOtherCodePages).joined(separator: "|"))

    /// Classes of characters that are not adjacent in real text.
    private static let byKind: [String] = {
        let (bad, law, currency, numeric) = (Kind.bad, Kind.law, Kind.currency, Kind.numeric)
        let (opening, closing, box) = (Kind.opening, Kind.closing, Kind.box)
        let (upper, lower, upperCommon, lowerCommon) =
            (Kind.upperAccented, Kind.lowerAccented, Kind.upperCommon, Kind.lowerCommon)
        let any = lower + upper + box + opening + closing + currency + numeric + law
        let space = RegularExpression.space
        let word = RegularExpression.word
        return [
            "[\(Kind.control)]",
            "[\(bad)\(any)][\(bad)]",
            "[a-zA-Z][\(lowerCommon)\(upperCommon)][\(bad)]",
            "[\(bad)][\(any)]",
            "[\(lower)\(lowerCommon)\(box)\(closing)\(currency)\(numeric)][\(upper)]",
            "[\(box)\(closing)\(currency)\(numeric)][\(lower)]",
            "[\(lower)\(box)\(closing)][\(currency)]",
            "[\(space)][\(upper)][\(currency)]",
            "[\(upper)\(box)][\(numeric)\(law)]",
            "[\(lower)\(upper)\(box)\(currency)\(closing)][\(opening)][\(numeric)]",
            "[\(lower)\(upper)\(currency)\(numeric)\(box)\(law)][\(closing)][\(opening)]",
            "[\(currency)\(numeric)\(box)][\(opening)]",
            "[a-z][\(upper)][\(opening)\(currency)]",
            "[\(box)][\(Kind.kaomoji)\(closing)]",
            "[\(lower)\(upper)\(currency)\(numeric)\(opening)\(closing)\(law)][\(box)]",
            "[\(lower)\(upper)][\(opening)\(closing)][\(word)]",
            "[\(upper)]°",
        ]
    }()

    /// UTF-8 read as Windows-1252.
    private static let inWindows1252: [String] = {
        let (opening, closing) = (Kind.opening, Kind.closing)
        let arabic = "[ØÙ][\(Kind.common)\(Kind.currency)\(Kind.bad)\(Kind.numeric)\(opening)ŸŠ®°µ»]"
        return [
            "[Œœ][^A-Za-z]",
            #"[ÂÃÎÐ][€œŠš¢£Ÿž\x{a0}\x{ad}®©°·»\#(opening)\#(closing)–—´]"#,
            "×[²³]",
            arabic + arabic,
            "à[²µ¹¼½¾]",
            #"Ã[\x{a0}¡]"#,
            "[a-z][\(RegularExpression.space)]?[ÃÂ][ ]",
            #"\A[ÃÂ][ ]"#,
            "[a-z.,?!\(closing)]Â[ \(opening)\(closing)]",
        ]
    }()

    /// UTF-8 read as MacRoman.
    private static let inMacRoman = ["√[±∂†≠®™´≤≥¥µø]", "≈[°¢]", "‚Ä[ìîïòôúùû†°¢π]", "‚[âó][àä°ê]"]

    /// UTF-8 read as Windows-1251, 1253 and 1257. Pairs of Cyrillic or Greek letters are common, so three are
    /// needed.
    private static let inOtherCodePages: [String] = {
        let between = Kind.control + Kind.bad + Kind.opening + Kind.closing + Kind.currency
        return [
            "вЂ",
            "[ВГРС][\(between)°µ][ВГРС]",
            "ГўВЂВ.[A-Za-z ]",
            #"β€[™\x{a0}Ά\x{ad}®°]"#,
            "[ΒΓΞΟ][\(between)°][ΒΓΞΟ]",
            "ā€",
        ]
    }()
}
