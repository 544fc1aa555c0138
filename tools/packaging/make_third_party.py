#!/usr/bin/env python3
"""Writes THIRD-PARTY: what the built libraries and the emoji model contain that others made, with its licences.

    tools/packaging/make_third_party.py > THIRD-PARTY

The texts are those of the installed packages that are linked (`make deps`), and of the Swift toolchain.
"""

import pathlib
import re
import shutil
import textwrap

INTRODUCTION = """\
libpixart is licensed under the Apache License, version 2.0: see the file LICENSE. Its built files contain work of
others, which is listed here with its copyright and licence.

libpixart.so.1                     Swift runtime, libstdc++, json-c, libpng, zlib, PCRE2 with sljit, utf8proc,
                                   tables of ftfy, names of the HTML Standard
libpixart-blas.so.1                OpenBLAS. It is a file of its own, which the Python wheel does not contain.
the model models/emoji             trained with images of Noto Color Emoji

The source tree also contains the vocabulary of T5 as data of its tests (Copyright Google LLC, Apache License 2.0). No
built file contains it.
"""

APACHE = "Licensed under the Apache License, version 2.0, whose text is the file LICENSE."


def debian(package, licence):
    """The text of a licence in the copyright file of a Debian package, in the format DEP-5."""
    text = pathlib.Path(f"/usr/share/doc/{package}/copyright").read_text()
    found = re.search(rf"^License: {re.escape(licence)}[^\n]*\n((?: [^\n]*\n)+)", text, re.M)
    if not found:
        raise LookupError(f"{package} states no text of {licence}")
    return textwrap.dedent(re.sub(r"^ \.$|[ ]+$", "", found[1], flags=re.M)).strip("\n")


def comment(header, start, end):
    """The part of a C header's comment between two lines, with both."""
    lines = [re.sub(r"^ \*( |$)", "", line) for line in pathlib.Path("/usr/include", header).read_text().splitlines()]
    first = next(number for number, line in enumerate(lines) if start in line)
    last = next(number for number, line in enumerate(lines[first:], first) if end in line)
    return textwrap.dedent("\n".join(lines[first : last + 1])).strip()


def runtime_exception():
    """The exception that Swift adds to the Apache License."""
    toolchain = pathlib.Path(shutil.which("swift")).resolve().parents[1]
    text = (toolchain / "share/swift/LICENSE.txt").read_text()
    return textwrap.dedent(text[text.index("    As an exception, if you use this Software") :]).strip()


def components():
    """Each as (name, copyright and remarks, text of its licence)."""
    yield (
        "Swift runtime and standard library",
        "Copyright Apple Inc. and the Swift project authors; parts from LLVM, which has exceptions to the same effect.\n"
        f"{APACHE} It has the Runtime Library Exception:",
        runtime_exception(),
    )
    yield (
        "libstdc++",
        "Copyright Free Software Foundation, Inc.\n"
        "Licensed under the GNU General Public License, version 3, with the GCC Runtime Library Exception, version 3.1,\n"
        "which permits conveying a compiled program that contains it under terms of one's own choice.",
        "",
    )
    yield (
        "json-c",
        "Copyright 2004-2005, 2013 Metaparadigm Pte. Ltd.\n"
        "Copyright 2008-2009 Yahoo! Inc.\n"
        "Copyright 2009-2012 Hewlett-Packard Development Company, L.P.\n"
        "Copyright 2012, 2017-2022 Eric Haszlakiewicz\n"
        "Copyright 2016 Alexandru Ardelean",
        debian("libjson-c-dev", "Expat"),
    )
    yield "libpng", "", comment("png.h", "COPYRIGHT NOTICE, DISCLAIMER", "be appreciated.")
    yield "zlib", "", comment("zlib.h", "Copyright (C)", "jloup@gzip.org")
    yield (
        "PCRE2",
        "Copyright 1997-2022 University of Cambridge\nCopyright 2009-2022 Zoltan Herczeg",
        debian("libpcre2-dev", "BSD-3-clause-Cambridge"),
    )
    yield (
        "sljit, a part of PCRE2",
        "Copyright Zoltan Herczeg (hzmester@freemail.hu). All rights reserved.",
        debian("libpcre2-dev", "BSD-2-clause"),
    )
    yield "utf8proc", "", comment("utf8proc.h", "Copyright (c) 2014", "DEALINGS IN THE SOFTWARE")
    yield (
        "Unicode data, in utf8proc and in Swift's standard library",
        "Copyright 1991-2007 Unicode, Inc. The data were converted to tables.",
        debian("libutf8proc-dev", "Unicode"),
    )
    yield (
        "OpenBLAS",
        "Copyright 2011-2022 The OpenBLAS Project\nCopyright 2013 Martin Koehler\nCopyright 2020 IBM Corporation",
        debian("libopenblas-dev", "BSD-3-clause"),
    )
    yield (
        "GotoBLAS2, in OpenBLAS",
        "Copyright 2009-2010 The University of Texas at Austin",
        debian("libopenblas-dev", "BSD-2-clause-texas"),
    )
    yield (
        "ftfy",
        f"Copyright 2023 Robyn Speer\n{APACHE}\n"
        "Tables that recognise garbled text were made from ftfy 6.3.1, and changed in form.",
        "",
    )
    yield (
        "HTML Standard",
        "Copyright WHATWG (Apple, Google, Mozilla, Microsoft)\n"
        "The names of characters were taken from it. It licenses such portions in source code under the BSD 3-Clause\n"
        "License, whose conditions are those under OpenBLAS above, with the name of the copyright holder.",
        "",
    )
    yield (
        "Noto Color Emoji",
        f"Copyright 2013-2017 Google Inc. and Arjen Nienhuis\nImages: {APACHE[0].lower()}{APACHE[1:]}\n"
        "The emoji model was trained with images of the font and contains no file of it.",
        "",
    )


def main():
    print(INTRODUCTION)
    for name, remarks, text in components():
        parts = [f"{'-' * 100}\n{name}\n{'-' * 100}", remarks, text]
        print("\n\n".join(part for part in parts if part) + "\n")


if __name__ == "__main__":
    main()
