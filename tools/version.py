#!/usr/bin/env python3
"""Checks that every place that states the version agrees with the file VERSION; exits with 1 if one does not.

tools/version.py              checks
tools/version.py 1.1.0        writes 1.1.0 into VERSION and all other places, then checks

The library takes its version from the header. pkg-config, CMake, the names of installed files and the Python package
take theirs from VERSION. The major version is also the ABI's, so a new one is never written by this script.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# A file, and the expression whose group is the version or the named number of it.
VERSIONS = (
    ("bindings/c/README.md", r"libpixart\.so\.(\d+\.\d+\.\d+)"),
    ("CHANGELOG.md", r"\A# Changelog\n\n## (\d+\.\d+\.\d+)"),
)
NUMBERS = {
    "major": (
        ("include/pixart.h", r"#define PIXART_VERSION_MAJOR (\d+)"),
        ("Package.swift", r'"libpixart\.so\.(\d+)"'),
        ("Sources/PixArtABI/exports.map", r"PIXART_(\d+) \{"),
        ("bindings/python/src/pixart/_core/library.py", r"^MAJOR = (\d+)$"),
    ),
    "minor": (("include/pixart.h", r"#define PIXART_VERSION_MINOR (\d+)"),),
    "patch": (("include/pixart.h", r"#define PIXART_VERSION_PATCH (\d+)"),),
}


def places(version):
    """Every place as (file, expression, what it must state)."""
    yield from ((path, pattern, version) for path, pattern in VERSIONS)
    for (_, lines), number in zip(NUMBERS.items(), version.split(".")):
        yield from ((path, pattern, number) for path, pattern in lines)


def faults(version):
    for path, pattern, expected in places(version):
        found = re.findall(pattern, (ROOT / path).read_text(), re.M)
        if not found:
            yield f"{path}: nothing matches {pattern}"
        yield from (f"{path}: {each}, expected {expected} from VERSION" for each in found if each != expected)


def write(version):
    for path, pattern, number in places(version):
        if path == "CHANGELOG.md":  # a release is described by hand
            continue
        text = (ROOT / path).read_text()
        lines = re.sub(pattern, lambda match, number=number: match[0].replace(match[1], number), text, flags=re.M)
        (ROOT / path).write_text(lines)
    (ROOT / "VERSION").write_text(version + "\n")


def main():
    if len(sys.argv) > 1:
        version = sys.argv[1]
        old = (ROOT / "VERSION").read_text().strip()
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            sys.exit(f"{version} is no version: expected MAJOR.MINOR.PATCH")
        if version.split(".")[0] != old.split(".")[0]:
            sys.exit(f"{version}: another major version than {old} is another ABI, which needs more than this script")
        write(version)
    version = (ROOT / "VERSION").read_text().strip()
    found = list(faults(version))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"version {version}: {sum(1 for _ in places(version))} places, {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
