#!/usr/bin/env python3
"""Prints the sizes of the stripped libraries, and what libpixart.so consists of, from the linker's map.

swift build -c release --product pixart -Xlinker -Map=build/pixart.map
python3 tools/library_size.py build/pixart.map .build/release
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile

# What a section of an object file belongs to, by the path of that file; the first that matches.
OWNERS = (
    ("kernels", r"/CKernels\.build/"),
    ("the library's Swift and other C", r"/\w+\.build/"),
    ("Swift's runtime and standard library", r"/libswift|/swiftrt\.o|/libstdc\+\+"),
    ("libpng, zlib, json-c, PCRE2, utf8proc", r"/lib(png16|z|json-c|pcre2-8|utf8proc)\.a"),
    ("OpenBLAS", r"/libopenblas"),
)
# A line of an output section, of an input section in it, or of a symbol in that.
LINE = re.compile(r" *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ (\S.*)?( {8}(\S.*:\(.*\)))?$")
STRIPPED = re.compile(r"\.(debug|symtab|strtab|shstrtab|comment|swift_ast)")
EMPTY_IN_FILES = re.compile(r"\.(bss|tbss)")


def parts(link_map):
    """Bytes in the file by owner."""
    sizes, section = collections.Counter(), ""
    for line in link_map.read_text(errors="replace").splitlines()[1:]:
        found = LINE.match(line)
        if not found:
            continue
        if found[2]:
            section = found[2]
        elif found[4] and not STRIPPED.match(section) and not EMPTY_IN_FILES.match(section):
            owner = next((name for name, pattern in OWNERS if re.search(pattern, found[4])), "tables of the linker")
            sizes[owner] += int(found[1], 16)
    return sizes


def stripped_size(library):
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / library.name
        subprocess.run(["strip", "-o", copy, library], check=True)
        return copy.stat().st_size


def main():
    link_map, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    for name in ("libpixart.so", "libpixart-blas.so.1"):
        print(f"{stripped_size(build / name) / 1e6:6.1f} MB  {name}, stripped")
    print("of libpixart.so:")
    for owner, size in parts(link_map).most_common():
        print(f"{size / 1e6:6.1f} MB  {owner}")


if __name__ == "__main__":
    main()
