"""Captions for make_caption_goldens.py: realistic prompts, and everything that cleaning looks for or fails on."""

from html.entities import html5

import ftfy.bad_codecs  # noqa: F401 - registers the sloppy encodings

PROMPTS = [
    "A small cactus with a happy face in the Sahara desert.",
    "an astronaut riding a horse, 8k, f/2.8, (masterpiece:1.3)",
    "Ein Mädchen mit Perlenohrring, Ölgemälde im Stil von Vermeer",
    "Un château au bord de l'océan, à la tombée de la nuit",
    "Девушка с жемчужной серёжкой, картина маслом",
    "μια γάτα στον ΗΛΙΟ, ΟΔΥΣΣΕΥΣ ΚΑΙ ΠΗΝΕΛΟΠΗ",
    "夜の東京、雨、ネオン、高精細",
    "一只戴着帽子的猫，水彩画",
    "서울의 가을 거리, 수채화",
    "İstanbul'da IŞIK ve DIŞ mekân",
    "קריקטורה של חתול על הגג",
    "قطة صغيرة في الصحراء ١٢٣",
    "बारिश में एक लाल छाता",
    "Zażółć gęślą jaźń, Příliš žluťoučký kůň",
    "chú mèo nhỏ ngồi trên mái nhà",
    "แมวน้อยบนหลังคา",
    "R2D2 and BB8 (red:1.3), f/2.8, 1024x768",
    'a sign saying "24/7", C++ & C#, abc123, a shipping container',
    "O'Brien’s “quoted” words…",
    "São Paulo à noite, às vezes àquele café",
    "Straße & ﬁne ﬂuﬀy oﬃce ﬅar",
    "Ｆｕｌｌ　ｗｉｄｔｈ ＡＢＣ１２３ ｶﾞﾃﾞｽ",
    "x² + y³ ≠ ½ × √2 → ∞",
]

WORDS = """
a the of on in red blue cat dog worldwide free shipping download click for here page 3 image images png jpg pdf mp4
photo.jpg picture.PNG report.final.pdf .webp a.mp4b jc6640 jc6640vc 6640vc231 j2d1a2a 12a34b5c abc12345678901234567
a1b2c3d4e5 1024x768 3.5x4 10.x5.5abc 512×512 2х3 12.5X7.25 24/7 #123 #12345 #1234 #123456abc 123456 1234567é 12:30
1:30 192.168.1.1 1.2.3.4.5 @user @имя @a_b user@mail.com https://example.com/a?b=c http:foo https:/x www:abc
www.example.org/path/ foo.co.uk/bar_baz site.ru@x a.com.net.info x.it/ .com -.net «да» "q" 'q' "" '' ``` ... .. . , ;
: :) (c) [x] {y} |z| \\n \\ // / ~ § ¶ ™ ® © º ½ ¡hola! ¿qué? – — ― ‐ 〜 ・ _ __ -_- this-is-my-cute-cat
snake_case_is_here &amp; &amp &lt;b&gt; &quot;hi&quot; &quot &nbsp; &copy; &eacute; &EACUTE; &Eacute &notit; &not;
&#233; &#xE9; &#xe9 &#0; &#128; &#x9f; &#xD800; &#1114112; &#99999999999; &#12a; &#x; &#; & &a &foo; &foo.bar; &foo-;
&amp;lt; &amp;amp;amp; ＆amp; ＆ｅａｃｕｔｅ； &#38;#233; %20 %C3%A9 %E2%82 %zz % %4 100% %26eacute%3B %3Cb%3E 1+1=2 c++
<person> <b> </b> <i>x</i> <br> <br/> <hr /> </br> <p <a href="x">y</a> <a href='x> <a b=c d> </ > </> <> < > << >>
<!-- c --> <!-- <!doctype html> <!> <!x> <![CDATA[x]]> <![cdata[ ]]> <![if x]> <![endif]> <?php x ?> <?
<script>s</script> <style>t</style> <script> </script> <template>q</template> <rt>r</rt>
<ruby>漢<rp>(</rp><rt>kan</rt></ruby> <pre> </pre> <textarea> <img src="a.png" alt='b'> <div><span>n</div></span> <a/b>
<a"x> 😀 👩‍👩‍👧‍👦 👍🏽 🏴󠁧󠁢󠁷󠁬󠁳󠁿 é é Å Å ﷺ ɤ Ꟊ ΣΑΣ ΑΣ Σ ΑΣ’Α ΑΣ. ǅ ŉ Ĳ ﬃ ß ẞ ſ İ ı ⅷ Ⅷ ① ٣٤٥ ١٢٣٤٥٦ x١٢٣ Ａ１ ｱ ﾞ ￣ ￦ ␀ � �� Â
Ã à Å Œ œ x° É° ВЂ √± вЂ“
""".split()

RARE = [
    chr(code)
    for code in (
        *range(0x20),
        *range(0x7F, 0xA1),
        0xAD,
        0x130,
        0x149,
        0x1C5,
        0x2BC,
        0x300,
        0x301,
        0x323,
        0x345,
        0x3A3,
        0x58A,
        0x5BE,
        0x600,
        0x1680,
        0x180E,
        0x1806,
        0x2000,
        0x2009,
        0x200A,
        0x200B,
        0x200D,
        0x200E,
        0x2010,
        0x2014,
        0x2018,
        0x201B,
        0x201D,
        0x2028,
        0x2029,
        0x202E,
        0x202F,
        0x205F,
        0x2066,
        0x206A,
        0x2126,
        0x212B,
        0x2E3A,
        0x3000,
        0x301C,
        0x3030,
        0x3042,
        0x30A0,
        0x30FB,
        0x31C0,
        0x31F0,
        0x3250,
        0x3300,
        0x3400,
        0x4DC0,
        0x4E00,
        0x9FFF,
        0xA000,
        0xAC00,
        0xF8FF,
        0xF900,
        0xFB01,
        0xFB05,
        0xFDFA,
        0xFE0F,
        0xFE31,
        0xFE58,
        0xFEFF,
        0xFF01,
        0xFF06,
        0xFF0D,
        0xFF1C,
        0xFF71,
        0xFFE3,
        0xFFF9,
        0xFFFC,
        0xFFFD,
        0xFFFF,
        0x10400,
        0x1D4D0,
        0x1D7D8,
        0x1E900,
        0x1F600,
        0x20000,
        0xE0067,
        0x10FFFF,
    )
]

PIECES = [
    "<",
    ">",
    "/",
    "</",
    "/>",
    "<!",
    "<!--",
    "-->",
    "<![",
    "]]>",
    "<?",
    "&",
    "&#",
    "&#x",
    ";",
    "=",
    '"',
    "'",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\x0b",
    "\x1b[",
    "\x1b[31m",
    "\x1b[1;2",
    "a",
    "b",
    "Z",
    "é",
    "ж",
    "1",
    "42",
    "script",
    "style",
    "pre",
    "rt",
    "br",
    "cdata[",
    "-",
    "--",
    ".",
    "..",
    ":",
    "@",
    "#",
    "%",
    "%41",
    "%e9",
    "+",
    "_",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "\\n",
    "\0",
    "\u00a0",
    "\u3000",
    "x",
    "×",
    "com",
    ".com",
    "http:",
    "www:",
    ".png",
    "amp;",
]

CODE_PAGES = [
    "latin-1",
    "sloppy-windows-1252",
    "cp1252",
    "sloppy-windows-1251",
    "sloppy-windows-1250",
    "sloppy-windows-1253",
    "sloppy-windows-1254",
    "sloppy-windows-1257",
    "iso-8859-2",
    "macroman",
    "cp437",
    "cp850",
    "koi8-r",
    "iso-8859-15",
]

SOURCES = [
    "é",
    "à la carte",
    "às àquele",
    "naïve café",
    "“quoted”",
    "it’s",
    "…",
    "–—",
    "€ 100",
    "ß",
    "привет мир",
    "Это тест",
    "日本語",
    "한국어",
    "😀🎉",
    "👩‍👩‍👧",
    "Ελληνικά",
    "Ωμέγα",
    "العربية",
    "मराठी",
    "ไทย",
    "Łódź",
    "Škoda",
    "ő ű",
    "ñandú ¿qué?",
    "×",
    "°C",
    "½",
    "\u00a0",
    "\ufeff",
    "™ © ®",
    "Ŝ",
    "ŷ",
    "√",
    "ﬁ",
]


def cesu8(text):
    return b"".join(
        unit.to_bytes(2, "big").decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
        for unit in memoryview(text.encode("utf-16-le")).cast("H")
    )


def mojibake(generator):
    """Text in UTF-8 that was read in another encoding, up to three times, and sometimes damaged in between."""
    text = " ".join(generator.choice(SOURCES) for _ in range(generator.randint(1, 3)))
    for _ in range(generator.choice([1, 1, 1, 2, 2, 3])):
        octets = cesu8(text) if generator.random() < 0.1 else text.encode("utf-8", "replace")
        if generator.random() < 0.15:
            octets = octets.replace(b"\xa0", b" ")
        if generator.random() < 0.1:
            cut = generator.randrange(len(octets) + 1)
            octets = (
                octets[:cut] + generator.choice([b"?", b"\x1a", b"\xc0\x80", b"\xed", b"\n", b""]) + octets[cut + 1 :]
            )
        text = octets.decode(generator.choice(CODE_PAGES), generator.choice(["replace", "ignore"]))
    if generator.random() < 0.3:
        text = generator.choice(["x ", "é ", "the “ ", "ж", "Â", "a"]) + text
    return text + generator.choice(["", "", " and more", " é", "."])


def entities(generator):
    names = ["&" + generator.choice(list(html5)) for _ in range(generator.randint(1, 4))]
    change = generator.choice(
        [str, str, str.upper, str.title, lambda name: name.rstrip(";"), lambda name: name[:-2] + ";"]
    )
    wide = generator.random() < 0.4  # a full-width ampersand survives until ftfy
    joined = generator.choice(["", " ", "x"]).join(change(name) for name in names)
    return joined.replace("&", "＆") if wide else joined


def letters(generator):
    """Letters of the ranges that mojibake consists of."""
    ranges = [
        (0x80, 0x17F),
        (0x80, 0xFF),
        (0x380, 0x3CE),
        (0x400, 0x45F),
        (0x2010, 0x2044),
        (0x2550, 0x2593),
        (0x20, 0x7E),
    ]
    out = []
    for _ in range(generator.randint(2, 24)):
        out.append(chr(generator.randint(*generator.choice(ranges))))
    return "".join(out)


def anything(generator):
    def code():
        value = generator.randrange(generator.choice([0x100, 0x600, 0x3000, 0x10000, 0x30000, 0x110000]))
        return value if not 0xD800 <= value < 0xE000 else 0xFFFD

    return "".join(chr(code()) for _ in range(generator.randint(1, 20)))


def words(generator):
    separator = generator.choice([" ", " ", " ", "  ", "", "\n", "-", "_", ", ", "\u00a0", "\t", " . "])
    return separator.join(generator.choice(WORDS) for _ in range(generator.randint(1, 12)))


def pieces(generator):
    return "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 25)))


def prompt(generator):
    parts = generator.choice(PROMPTS).split(" ")
    for _ in range(generator.randint(0, 3)):
        parts.insert(generator.randrange(len(parts) + 1), generator.choice(WORDS + RARE))
    return " ".join(parts)


def cased(generator):
    text = words(generator) + generator.choice(["", " "]) + generator.choice(PROMPTS)
    return generator.choice([str.upper, str.title, str.swapcase])(text)


def spaced(generator):
    return "".join(generator.choice(RARE + ["a", "b", "1", "."]) for _ in range(generator.randint(1, 14)))


KINDS = [
    words,
    words,
    words,
    pieces,
    pieces,
    prompt,
    prompt,
    mojibake,
    mojibake,
    entities,
    letters,
    anything,
    cased,
    spaced,
]


def sample(generator):
    """A caption: one kind of text, or several joined; sometimes a long one."""
    count = generator.choice([1] * 12 + [2] * 5 + [3])
    text = generator.choice(["", " ", "\n"]).join(generator.choice(KINDS)(generator) for _ in range(count))
    return text * 12 if generator.random() < 0.004 else text


FIXED = PROMPTS + [
    "",
    " ",
    "\n\t ",
    "\u3000",
    "\x1c\x85",
    "Σ",
    "ΑΣ",
    "<![foo",
    "<![ x ]]>",
    "<![cdata[a]]>b",
    "＆" + "amp;" * 12 + "lt;",
    "＆" + "＃38;amp;＃x26;" * 5 + "eacute;",
    "&",
    "&a",
    "&ab",
    "&#",
    "a &b",
    "<",
    "<a",
    "</a",
]
FIXED += [word for word in WORDS]
FIXED += [f"a{char}b {char} C{char}" for char in RARE]
