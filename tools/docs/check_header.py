#!/usr/bin/env python3
"""Checks that include/pixart.h documents every function, every parameter and every result; exits with 1 if it does not."""

import pathlib
import re
import sys

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include" / "pixart.h"
FUNCTION = re.compile(r"(/\*\*(?:(?!\*/).)*\*/)?\s*PIXART_API ([^;(]*?)\b(pixart_\w+)\(([^;]*)\);", re.S)


def faults(text):
    for comment, result, name, parameters in FUNCTION.findall(text):
        words = dict(re.findall(r"@param (\w+) (\S+)", comment))
        names = re.findall(r"(\w+)(?=,|$)", re.sub(r"\s+", " ", parameters)) if parameters != "void" else []
        yield from (f"{name}: no text for the parameter {each}" for each in names if each not in words)
        yield from (f"{name}: a text for {each}, which is no parameter" for each in words if each not in names)
        if not comment:
            yield f"{name}: no comment"
        elif ("@return" in comment) == (result.strip() == "void"):
            yield f"{name}: @return does not fit the result"
    yield from (
        f"line {number}: {len(line)} columns" for number, line in enumerate(text.split("\n"), 1) if len(line) > 100
    )


def main():
    text = HEADER.read_text()
    found = list(faults(text))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(FUNCTION.findall(text))} functions, {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
