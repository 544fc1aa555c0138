#!/usr/bin/env python3
"""Writes the data of caption cleaning: HTML/HTMLEntityTable.swift, ftfy/CodePageTable.swift and
ftfy/MojibakeClasses.swift, in Sources/PixArtFormats/Text/Captions.

Run with CPython 3.11 and ftfy 6.3.1, from anywhere: tools/goldens/make_caption_tables.py
"""

import re
import textwrap
from html.entities import html5
from pathlib import Path

from ftfy import badness, chardata

SOURCES = Path(__file__).resolve().parents[2] / "Sources" / "PixArtFormats" / "Text" / "Captions"
NOTICE = "// Made by tools/goldens/make_caption_tables.py; change that and not this file.\n"


def write(name, text):
    (SOURCES / name).write_text(NOTICE + text, encoding="utf-8")


def filled(words, indent):
    return textwrap.fill(" ".join(words), 118, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def entity_table():
    """One word for each name: `amp*=26`, with a star where the standard also allows the name without its semicolon."""
    words = []
    for name in sorted(name[:-1] for name in html5 if name.endswith(";")):
        value = html5[name + ";"]
        assert html5.get(name, value) == value
        words.append(f"{name}{'*' if name in html5 else ''}=" + "+".join(f"{ord(c):x}" for c in value))
    assert all(name.rstrip(";") + ";" in html5 for name in html5)
    write(
        "HTML/HTMLEntityTable.swift",
        f'''
/// The named character references of the HTML standard (https://html.spec.whatwg.org/entities.json): each name with its
/// code points in hexadecimal, and a star if the name is also valid without its semicolon.
enum HTMLEntityTable {{
    static let words = """
{filled(words, " " * 8)}
        """
}}
''',
    )


def code_page_table():
    """The upper half of each code page that mojibake is traced through; unassigned bytes stand for themselves."""
    pages = [
        "windows-1252",
        "windows-1251",
        "windows-1250",
        "windows-1253",
        "windows-1254",
        "windows-1257",
        "iso-8859-2",
        "macroman",
        "cp437",
    ]
    cases = []
    for page in pages:
        codec = "sloppy-" + page if page.startswith("windows") else page
        upper = bytes(range(0x80, 0x100)).decode(codec)
        assert bytes(range(0x80)).decode(codec).replace("\ufffd", "\x1a") == bytes(range(0x80)).decode("ascii")
        words = [f"0x{ord(c):x}," for c in upper]
        identifier = page.replace("windows-", "windows").replace("iso-8859-2", "latin2").replace("macroman", "macRoman")
        cases.append(f"    static let {identifier}: [UInt16] = [\n{filled(words, ' ' * 8)}\n    ]")
    write(
        "ftfy/CodePageTable.swift",
        """
/// Bytes 0x80 to 0xff of single-byte encodings, from the Unicode Consortium's mapping tables
/// (https://www.unicode.org/Public/MAPPINGS/). A byte that an encoding leaves undefined is read as its own number.
enum CodePageTable {
"""
        + "\n".join(cases)
        + "\n}\n",
    )


def ranges(members):
    out, start, previous = [], None, None
    for code in sorted(members) + [None]:
        if start is not None and code != previous + 1:
            out.append(f"\\x{{{start:x}}}" + (f"-\\x{{{previous:x}}}" if previous > start else ""))
            start = None
        if start is None:
            start = code
        previous = code
    return out


def mojibake_classes():
    """Sets of characters as the inside of a PCRE2 character class."""
    names = {
        "common": "common",
        "c1": "control",
        "bad": "bad",
        "law": "law",
        "currency": "currency",
        "start_punctuation": "opening",
        "end_punctuation": "closing",
        "numeric": "numeric",
        "kaomoji": "kaomoji",
        "upper_accented": "upperAccented",
        "lower_accented": "lowerAccented",
        "upper_common": "upperCommon",
        "lower_common": "lowerCommon",
        "box": "box",
        "utf8_first_of_2": "leadOf2",
        "utf8_first_of_3": "leadOf3",
        "utf8_first_of_4": "leadOf4",
        "utf8_continuation": "continuation",
        "utf8_continuation_strict": "strictContinuation",
    }
    sets = {**badness.MOJIBAKE_CATEGORIES, **chardata.UTF8_CLUES}
    assert set(sets) == set(names)
    lines = []
    for key, name in names.items():
        pattern = re.compile(f"[{sets[key]}]")
        words = ranges([code for code in range(0x110000) if pattern.match(chr(code))])
        body = textwrap.wrap("".join(word + " " for word in words), 108, break_on_hyphens=False)
        joined = " \\#\n".join(" " * 8 + line.replace(" ", "") for line in body).replace(" \\#", "\\#")
        lines.append(f'    static let {name} = #"""\n{joined}\n        """#')
    write(
        "ftfy/MojibakeClasses.swift",
        """
/// Sets of characters that distinguish mojibake from text, for use inside a PCRE2 character class. They are the
/// sets of ftfy 6.3.1 (https://github.com/rspeer/python-ftfy, Apache License 2.0).
enum MojibakeClasses {
"""
        + "\n".join(lines)
        + "\n}\n",
    )


if __name__ == "__main__":
    entity_table()
    code_page_table()
    mojibake_classes()
