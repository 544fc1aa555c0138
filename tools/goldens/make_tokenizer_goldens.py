#!/usr/bin/env python3
"""Writes the golden file of the tokenizer tests: texts of many scripts with their ids by the `sentencepiece` package.

    tools/goldens/make_tokenizer_goldens.py [MODEL [OUT]]

The file is a JSON array with one line for each text: [text, id, id, ...]. Running the script again writes the same bytes.

It needs sentencepiece 0.1.97 to 0.2.1 and Python 3.11 (for its Unicode tables). Later releases of sentencepiece break ties
between splits of equal score the other way: "!!!!!!" is [3, 17065, 55] up to 0.2.1 and [3, 55, 17065] in 0.2.3.
"""

import json
import pathlib
import random
import sys
import unicodedata

import sentencepiece

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "Tests/PixArtFormatsTests/Resources/t5-tokenizer"

# First and last code points of what texts are drawn from.
SCRIPTS = {
    "latin": [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F)],
    "latin additions": [(0x250, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF)],
    "greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "cyrillic": [(0x400, 0x52F)],
    "armenian, georgian": [(0x530, 0x58F), (0x10A0, 0x10FF)],
    "hebrew": [(0x590, 0x5FF), (0xFB1D, 0xFB4F)],
    "arabic": [(0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)],
    "devanagari": [(0x900, 0x97F)],
    "indic": [(0x980, 0xDFF)],
    "thai, lao, tibetan": [(0xE00, 0xFFF)],
    "hangul": [(0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3), (0xFFA0, 0xFFDC)],
    "kana": [(0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D)],
    "han": [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF)],
    "full width": [(0xFF01, 0xFF5E), (0xFFE0, 0xFFE6)],
    "emoji": [(0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1FAFF), (0x2600, 0x27BF), (0x1F1E6, 0x1F1FF)],
    "symbols": [(0x2000, 0x2BFF), (0x3000, 0x303F), (0x3200, 0x33FF)],
    "mathematical": [(0x1D400, 0x1D7FF), (0x1EE00, 0x1EEFF)],
    "combining": [(0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF)],
    "controls": [
        (0x01, 0x1F),
        (0x7F, 0x9F),
        (0xAD, 0xAD),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2064),
        (0xFEFF, 0xFEFF),
        (0xFFF9, 0xFFFD),
        (0xE0001, 0xE007F),
    ],
    "spaces": [
        (0x09, 0x0D),
        (0x20, 0x20),
        (0x85, 0x85),
        (0xA0, 0xA0),
        (0x1680, 0x1680),
        (0x2000, 0x200B),
        (0x2028, 0x2029),
        (0x202F, 0x202F),
        (0x205F, 0x205F),
        (0x3000, 0x3000),
        (0x2581, 0x2581),
    ],
    "ascii": [(0x21, 0x7E)],
    "anything": [(0x01, 0xD7FF), (0xE000, 0x10FFFF)],
}

WORDS = """
a an the cute small cat dog astronaut riding horse on mars oil painting portrait of young woman with red hair green eyes
cinematic lighting, highly detailed, 8k uhd, masterpiece, trending artstation by greg rutkowski; "hello, world!" f/2.8
1024x768 (red:1.3) {curly} [square] <angle> don't it's e.g. i.e. U.S.A. C++ C# naïve café Straße smörgåsbord coöperate
photo-realistic semi—transparent 3.14159 1,000,000 50% $9.99 #1 @home & co. und der die das ein kleiner Hund im Wald
le chat noir sur la table, où êtes-vous? première neige élégante cântec românesc frumos pădure verde încă țară
""".split()

SENTENCES = """
Pirate ship trapped in a cosmic maelstrom nebula, rendered in cosmic beach whirlpool engine, volumetric lighting
маленькая собака бежит по зелёному лесу
мій кіт спить на теплій печі
μια μικρή γάτα κοιμάται στον ήλιο
一只可爱的小猫坐在窗台上
かわいい猫が窓辺に座っている。
ｶﾜｲｲﾈｺ と ｆｕｌｌ ｗｉｄｔｈ　ＴＥＸＴ！？
귀여운 고양이가 창가에 앉아 있다
قطة صغيرة تجلس على النافذة
גור חתולים קטן יושב על החלון
एक प्यारी बिल्ली खिड़की पर बैठी है
แมวน่ารักนั่งอยู่ริมหน้าต่าง
một con mèo dễ thương ngồi bên cửa sổ
żółta łódź na jeziorze Śniardwy
İstanbul'da ışıklı bir gece
👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷 ☕️ 1️⃣
½ ¾ ² ³ ª º ™ ℃ № ㎏ ﬁ ﬂ ㍿ ① Ⅳ
for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }
def f(x): return {"key": [x ** 2, x // 3], 'n': None}
SELECT * FROM prompts WHERE id >= 10 AND name LIKE '%cat%';
https://example.org/a/b?c=d&e=%20#f user@example.org
<b>bold</b> &amp; &lt;tag&gt; &#39;quoted&#39;
""".strip().split("\n")

SPECIALS = [
    "",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\x00",
    "a\x00b",
    "</s>",
    "<pad>",
    "<unk>",
    "<s>",
    "<extra_id_0>",
    "<extra_id_99>",
    "a</s>b",
    " </s> ",
    "a <pad> b",
    "▁",
    "▁▁",
    "▁a",
    "a▁b",
    "a▁",
    "{",
    "}",
    "{}",
    "{ }",
    "~",
    "`",
    "\\",
    "^",
    "!!!!!!",
    "......",
    "---",
    "-----",
    "''''''",
    '"""',
    "????",
    "aaaaaaaaaaaa",
    "hahahahaha",
    "0000000000",
    "1111111",
    "\ufeffa",
    "a\u0301",
    "\u0301",
    "e\u0301\u0301",
    "\u1100\u1161\u11a8",
    "\u0f71\u0f72",
    "\ufdfa",
    "\u3300",
    "\u2126",
    "\u212b",
    "\u00c5",
    "A\u030a",
    "\U0001f600" * 20,
    "\u0e33",
    "\u0eb3",
    "\u2028",
    "a\u2028b",
    "a\u0085b",
    "a\u200bb",
    "a\u00adb",
    "a\u200db",
    "\u202eabc",
    "\uffff",
    "\U0010ffff",
    "\ue000",
    "x" * 1000,
    "ab " * 300,
    " " * 200 + "a" + " " * 200,
    "猫" * 200,
    "." * 300,
]


def draw(random, ranges, count):
    """`count` assigned code points, mostly; a few that are not assigned."""
    text = ""
    while len(text) < count:
        first, last = random.choice(ranges)
        point = random.randint(first, last)
        category = unicodedata.category(chr(point))
        if category != "Cs" and (category not in ("Cn", "Co") or random.random() < 0.02):
            text += chr(point)
    return text


def make_texts():
    source = random.Random(20231018)
    texts = SPECIALS + SENTENCES
    texts += [sentence.upper() for sentence in SENTENCES] + [sentence.lower() for sentence in SENTENCES]
    texts += WORDS + [f"  {word}\t" for word in WORDS]
    names = list(SCRIPTS)
    for name in names:  # words of one script
        for _ in range(90):
            words = [draw(source, SCRIPTS[name], source.randint(1, 7)) for _ in range(source.randint(1, 3))]
            texts.append(" ".join(words))
    decomposing = [chr(p) for p in range(0x110000) if unicodedata.decomposition(chr(p)) or 0xAC00 <= p <= 0xD7A3]
    for _ in range(500):  # what NFKC changes
        texts.append("".join(source.choice(decomposing) for _ in range(source.randint(1, 8))))
    for _ in range(500):  # base letters under stacks of marks
        base = draw(source, source.choice(list(SCRIPTS.values())), 1)
        texts.append(
            base + draw(source, SCRIPTS["combining"], source.randint(1, 4)) + draw(source, SCRIPTS["latin"], 2)
        )
    for _ in range(900):  # words of all kinds, between spaces of all kinds
        parts = []
        for _ in range(source.randint(1, 6)):
            kind = source.random()
            parts.append(
                source.choice(WORDS)
                if kind < 0.6
                else draw(source, SCRIPTS[source.choice(names)], source.randint(1, 4))
            )
            parts.append(" " if source.random() < 0.6 else draw(source, SCRIPTS["spaces"], source.randint(0, 3)))
        texts.append("".join(parts))
    for _ in range(500):  # numbers and punctuation
        texts.append(
            "".join(source.choice("0123456789.,-+:;/%$()[]{}<>!?'\"#&*_=|~^`\\ ") for _ in range(source.randint(1, 14)))
        )
    for _ in range(700):  # scraps of sentences, cut anywhere
        sentence = source.choice(SENTENCES)
        start = source.randrange(len(sentence))
        texts.append(sentence[start : start + source.randint(1, 24)])
    return list(dict.fromkeys(texts))


def main():
    if not sentencepiece.__version__.startswith(("0.1.9", "0.2.0", "0.2.1")):
        sys.exit(f"sentencepiece is {sentencepiece.__version__}; expected 0.1.97 to 0.2.1, see above")
    model = sys.argv[1] if len(sys.argv) > 1 else str(RESOURCES / "spiece.model")
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else RESOURCES / "goldens.json"
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    lines = [
        json.dumps([text, *processor.encode(text)], ensure_ascii=False, separators=(",", ":")) for text in make_texts()
    ]
    out.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{out}: {len(lines)} texts, {out.stat().st_size} bytes, sentencepiece {sentencepiece.__version__}")


if __name__ == "__main__":
    main()
