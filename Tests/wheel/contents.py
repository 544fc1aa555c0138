#!/usr/bin/env python3
"""Checks what is in a wheel: a stripped library that exports pixart_* alone and needs only the C library, the emoji model
as it is in the tree, the licences, the version and the tag. Closes with "N passed, N failed".

    Tests/wheel/contents.py WHEEL
"""

from __future__ import annotations

import email
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

TREE = pathlib.Path(__file__).resolve().parents[2]
VERSION = (TREE / "VERSION").read_text().strip()
INFO = f"pixart-{VERSION}.dist-info"
# What every Linux system with glibc has.
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
LARGEST = 25_000_000


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def checks(path, wheel, folder):
    """Each check as (name, whether it holds)."""
    names = set(wheel.namelist())
    library = folder / "pixart" / "libpixart.so.1"
    metadata = email.message_from_bytes(wheel.read(f"{INFO}/METADATA"))
    exports = re.findall(r"\b(\w+)@@PIXART_1$", run("nm", "-D", "--defined-only", library), re.M)
    functions = re.findall(r"^PIXART_API [^;(]*?\b(pixart_\w+)\(", (TREE / "include" / "pixart.h").read_text(), re.M)
    needed = set(re.findall(r"Shared library: \[(.*)\]", run("readelf", "-d", library)))
    model = {each.relative_to(TREE) for each in (TREE / "models" / "emoji").rglob("*") if each.is_file()}
    of_tools = [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".so", ".egg-info"))]

    yield (
        "the name states version and tag",
        re.fullmatch(rf"pixart-{re.escape(VERSION)}-py3-none-(manylinux_2_\d+_\w+\.?)+\.whl", path.name),
    )
    yield "the metadata state the version", metadata["Version"] == VERSION
    yield "the package states the version", f'"{VERSION}"' in wheel.read("pixart/_version.py").decode()
    yield "the library is stripped", ".symtab" not in run("readelf", "-SW", library)
    yield "it exports the functions of the header", sorted(exports) == sorted(functions) and len(exports) > 50
    yield f"it needs nothing but {', '.join(sorted(needed))}", "libc.so.6" in needed and needed <= SYSTEM
    yield "it names no folder of its build", str(TREE).encode() not in library.read_bytes()
    yield (
        "the emoji model is the tree's",
        len(model) > 8 and all((folder / "pixart" / each).read_bytes() == (TREE / each).read_bytes() for each in model),
    )
    yield (
        "LICENSE and THIRD-PARTY are the tree's",
        all(wheel.read(f"{INFO}/licenses/{name}") == (TREE / name).read_bytes() for name in ("LICENSE", "THIRD-PARTY")),
    )
    yield "nothing that a tool left behind is there", not of_tools
    yield (
        "all Python files of the tree are there",
        all(
            f"pixart/{each.relative_to(TREE / 'bindings/python/src/pixart')}" in names
            for each in (TREE / "bindings/python/src/pixart").rglob("*.py")
        ),
    )
    yield f"it has at most {LARGEST / 1e6:.0f} MB: {path.stat().st_size / 1e6:.1f}", path.stat().st_size <= LARGEST


def main():
    path = pathlib.Path(sys.argv[1])
    passed = failed = 0
    with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as folder:
        wheel.extractall(folder)
        for name, holds in checks(path, wheel, pathlib.Path(folder)):
            print("ok  " if holds else "FAIL", f"wheel: {name}")
            passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
