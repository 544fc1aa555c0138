"""Compares cleaned and tokenized prompts. They are made of pieces that cleaning or tokenizing treats specially."""

from __future__ import annotations

import pathlib
import random
from collections.abc import Iterator

import pixart

from .diffusers_side import Reference
from .measures import Row, Table
from .random_checkpoint import write_checkpoint
from .run import Run

NAME = "prompts"
COUNT = 1000
"""Prompts that are made of several pieces."""

MARKUP = (
    "<b>bold</b> <a href='http://x.y/z?q=1&r=2'>link</a> <br/> <unclosed <!--c--> <script>x</script> <p>para <person> "
    "<img/src=x> 3>2 1<2 &amp; &lt;tag&gt; &nbsp; &eacute; &#233; &#x1F600; &quot; &amp;quot; &amp;amp;lt; &copy; "
    "&hellip; </s> <pad> <extra_id_0> \u2581"
).split(" ")
ADDRESSES = (
    "https://www.example.com/path/to/file.html?x=1 www.foo.org http://a.b foo.com/bar user@example.com @handle #1234 "
    "#tag IMG_1234.jpg photo.png %20 %C3%A9 \\n"
).split(" ")
NUMBERS = (
    "12345678 1024x768 f/2.8 24/7 50mm R2D2 jc6640 jc6640vc 6640vc231 abc123def a1b2c3d4 x264 SKU-99887766 12-34-56 "
    "1,000,000 3.14159 0x1F word:1.3 (red:1.3) 10% $5 \u20ac20 \u00a33"
).split(" ")
PHRASES = (
    "a cat|Cute Dog|download now|page 3|free shipping|worldwide free shipping|click for more|click here|ISBN 978-3-16|"
    "it's|don\u2019t|rock'n'roll|a.b.c|e.g.|U.S.A.|C++|C#|a,b;c|... wait|'single' |\"\"quoted\"\""
).split("|")
PUNCTUATION = list(
    "[]{}()|\\/*#\u00ae\u2022\u00a9\u2122@\u00b7\u00ba\u00bd\u00bf\u00a1\u00a7~^=+<&'\"`\u2014\u2013\u2012"
) + "-- --- a-b-c __x__ ... ??? \u201cquotes\u201d \u2018single\u2019 \u00abguillemets\u00bb".split(" ")
SPACES = list("\t\n\u200b\u00a0\u3000\ufeff\u202e\x01\x7f\u2028\x85\ufffd\U000e0001") + ["  ", "\r\n"]
SCRIPTS = (
    "\u6771\u4eac\u30bf\u30ef\u30fc \u5317\u4eac \uc548\ub155 \uff8a\uff9d\uff76\uff78 "
    "\u041f\u0440\u0438\u0432\u0435\u0442 \u05e2\u05d1\u05e8\u05d9\u05ea \u0627\u0644\u0639\u0631\u0628\u064a\u0629 "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u0130stanbul \u0131 \u00df \u1e9e \u00c6 \u0153 \ufb01 "
    "\u01c5 \u2167 \u2460 \u338f \u017f \u212a \u212b \ufdfa \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u0391\u03a3 "
    "caf\u00e9 cafe\u0301 na\u00efve "
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f"
).split(" ")
MOJIBAKE = ["sch\u00c3\u00b6n", "\u00e2\u20ac\u0153hi\u00e2\u20ac\u009d", "\u00c3\u00a9t\u00c3\u00a9"]
PIECES = [*MARKUP, *ADDRESSES, *NUMBERS, *PHRASES, *PUNCTUATION, *SPACES, *SCRIPTS, *MOJIBAKE]


def prompts() -> Iterator[str]:
    """Every piece alone, then some together.

    Two pieces of hyphens never follow each other without a space: if segmentations tie, versions of SentencePiece
    differ.
    """
    yield from PIECES
    draw = random.Random(0)
    for _ in range(COUNT):
        separator = draw.choice([" ", " ", ", "])
        yield separator.join(draw.choice(PIECES) for _ in range(draw.randint(2, 7)))


def compare_texts(work: pathlib.Path, table: Table) -> None:
    """Adds a row for cleaned prompts and one for those that are not."""
    folder = work / NAME
    write_checkpoint(folder)
    reference = Reference(folder)
    with pixart.Encoder(folder) as encoder:
        for clean in (True, False):
            texts = list(prompts())
            run = Run(clean_caption=clean)
            different = [
                text
                for text in texts
                if encoder.tokenize(text, clean_caption=clean)["ids"] != reference.tokens(text, run)
            ]
            row = Row(NAME, f"{len(texts)} prompts, {'' if clean else 'not '}cleaned")
            row.check("tokens", f"{len(different)} differ: {different[0]!a}" if different else "equal", not different)
            table.add(row)
