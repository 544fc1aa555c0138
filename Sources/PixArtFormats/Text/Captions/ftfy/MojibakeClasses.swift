// Made by tools/goldens/make_caption_tables.py; change that and not this file.

/// Sets of characters that distinguish mojibake from text, for use inside a PCRE2 character class. They are the
/// sets of ftfy 6.3.1 (https://github.com/rspeer/python-ftfy, Apache License 2.0).
enum MojibakeClasses {
    static let common = #"""
        \x{a0}\x{ad}\x{b4}\x{b7}\x{2013}-\x{2015}\x{2019}\x{2026}
        """#
    static let control = #"""
        \x{80}-\x{9f}
        """#
    static let bad = #"""
        \x{a4}\x{a6}\x{a8}\x{aa}\x{ac}\x{af}\x{b8}\x{ba}\x{192}\x{2c6}-\x{2c7}\x{2d8}\x{2db}-\x{2dc}\#
        \x{2020}-\x{2021}\x{2030}\x{2310}\x{25ca}\x{fffd}
        """#
    static let law = #"""
        \x{a7}\x{b6}
        """#
    static let currency = #"""
        \x{a2}-\x{a3}\x{a5}\x{20a7}\x{20ac}
        """#
    static let opening = #"""
        \x{a1}\x{a9}\x{ab}\x{bf}\x{384}-\x{385}\x{2018}\x{201a}\x{201c}\x{201e}\x{2022}\x{2039}\x{f8ff}
        """#
    static let closing = #"""
        \x{ae}\x{bb}\x{2dd}\x{201d}\x{203a}\x{2122}
        """#
    static let numeric = #"""
        \x{b1}-\x{b3}\x{b5}\x{b9}\x{bc}-\x{be}\x{d7}\x{f7}\x{2044}\x{2116}\x{2202}\x{2206}\x{220f}\#
        \x{2211}\x{221a}\x{221e}\x{2229}\x{222b}\x{2248}\x{2260}-\x{2261}\x{2264}-\x{2265}
        """#
    static let kaomoji = #"""
        \x{b0}\x{d2}-\x{d6}\x{d9}-\x{dc}\x{f2}-\x{f6}\x{f8}-\x{fc}\x{14c}\x{150}\x{16a}\x{172}
        """#
    static let upperAccented = #"""
        \x{c0}-\x{d1}\x{d8}\x{dc}-\x{dd}\x{100}\x{102}\x{104}\x{106}\x{10c}\x{10e}\x{110}\x{112}\x{116}\#
        \x{118}\x{11a}\x{11e}\x{122}\x{12a}\x{130}\x{136}\x{139}\x{13b}\x{13d}\x{141}\x{143}\x{145}\#
        \x{147}\x{152}\x{158}\x{15a}\x{15e}\x{160}\x{162}\x{164}\x{16e}\x{170}\x{178}-\x{179}\x{17b}\#
        \x{17d}\x{490}
        """#
    static let lowerAccented = #"""
        \x{df}-\x{f1}\x{fc}\x{101}\x{103}\x{105}\x{107}\x{10d}\x{10f}\x{111}\x{113}\x{117}\x{119}\x{11b}\#
        \x{11f}\x{123}\x{12b}\x{12f}\x{137}\x{13a}\x{13c}\x{13e}\x{142}\x{153}\x{155}\x{15b}\x{15f}\#
        \x{161}\x{165}\x{17a}\x{17c}\x{17e}\x{491}\x{fb01}-\x{fb02}
        """#
    static let upperCommon = #"""
        \x{de}\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{38f}\x{391}-\x{3ab}\x{401}-\x{42f}
        """#
    static let lowerCommon = #"""
        \x{3ac}-\x{3c9}\x{430}-\x{45f}
        """#
    static let box = #"""
        \x{2502}\x{250c}\x{2510}\x{2518}\x{251c}\x{2524}\x{252c}\x{253c}\x{2550}-\x{256c}\x{2580}\x{2584}\#
        \x{2588}\x{258c}\x{2590}-\x{2593}
        """#
    static let leadOf2 = #"""
        \x{c2}-\x{df}\x{100}\x{102}\x{106}\x{10c}\x{10e}\x{110}\x{112}\x{116}\x{118}\x{11a}\x{11e}\#
        \x{122}\x{12a}\x{130}\x{136}\x{139}\x{13b}\x{141}\x{143}\x{145}\x{147}\x{14c}\x{150}\x{158}\#
        \x{15a}\x{15e}\x{160}\x{162}\x{16a}\x{16e}\x{170}\x{172}\x{179}\x{17b}\x{17d}\x{392}-\x{3a1}\#
        \x{3a3}-\x{3af}\x{412}-\x{42f}
        """#
    static let leadOf3 = #"""
        \x{e0}-\x{ef}\x{101}\x{103}\x{105}\x{107}\x{10d}\x{10f}\x{113}\x{117}\x{119}\x{11b}\x{123}\#
        \x{12b}\x{12f}\x{137}\x{13a}\x{13c}\x{155}\x{17a}\x{3b0}-\x{3bf}\x{430}-\x{43f}
        """#
    static let leadOf4 = #"""
        \x{f0}\x{f3}\x{111}\x{11f}\x{161}\x{3c0}\x{3c3}\x{440}\x{443}
        """#
    static let continuation = #"""
        \x{20}\x{80}-\x{bf}\x{c6}\x{d8}\x{e6}\x{f8}\x{104}-\x{105}\x{13d}-\x{13e}\x{141}-\x{142}\#
        \x{152}-\x{153}\x{156}-\x{157}\x{15a}-\x{15b}\x{15e}-\x{161}\x{164}-\x{165}\x{178}-\x{17e}\x{192}\#
        \x{2c6}-\x{2c7}\x{2d8}\x{2db}-\x{2dd}\x{384}-\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{38f}\#
        \x{401}-\x{40c}\x{40e}-\x{40f}\x{451}-\x{45c}\x{45e}-\x{45f}\x{490}-\x{491}\x{2013}-\x{2015}\#
        \x{2018}-\x{201a}\x{201c}-\x{201e}\x{2020}-\x{2022}\x{2026}\x{2030}\x{2039}-\x{203a}\x{20ac}\x{2116}\#
        \x{2122}
        """#
    static let strictContinuation = #"""
        \x{80}-\x{bf}\x{c6}\x{d8}\x{e6}\x{f8}\x{104}-\x{105}\x{13d}-\x{13e}\x{141}-\x{142}\x{152}-\x{153}\#
        \x{156}-\x{157}\x{15a}-\x{15b}\x{15e}-\x{161}\x{164}-\x{165}\x{178}-\x{17e}\x{192}\x{2c6}-\x{2c7}\#
        \x{2d8}\x{2db}-\x{2dd}\x{384}-\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{38f}\x{401}-\x{40c}\#
        \x{40e}-\x{40f}\x{451}-\x{45c}\x{45e}-\x{45f}\x{490}-\x{491}\x{2020}-\x{2021}\x{2030}\x{2039}-\x{203a}\#
        \x{20ac}\x{2116}\x{2122}
        """#
}
