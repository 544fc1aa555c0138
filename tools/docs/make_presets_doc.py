#!/usr/bin/env python3
"""Writes the table of presets from the schemas of the library, between the marks in a page.

make_presets_doc.py LIBRARY PAGE        for example .build/release/libpixart.so docs/presets.md
"""

import json
import pathlib
import sys

from make_options_doc import schemas_of

BEGIN, END = "<!-- made by make docs -->\n", "<!-- end -->\n"


def words(settings):
    return "<br>".join(f"`{name}`: `{json.dumps(value)}`" for name, value in settings.items())


def table(schemas):
    """A row for each verb with an option that presets set, and one for the others that take them."""
    names = [name for name in schemas["denoise"]["properties"]["preset"]["enum"] if name]
    schemas = {verb: schema["presets"] for verb, schema in schemas.items() if "presets" in schema}
    lines = [f"| verb | {' | '.join(f'`{json.dumps(name)}`' for name in names)} |", "|---|" + "---|" * len(names)]
    for verb, presets in schemas.items():
        if any(presets.values()):
            lines.append(f"| `pixart_{verb}` | {' | '.join(words(presets[name]) for name in names)} |")
    others = ", ".join(f"`pixart_{verb}`" for verb, presets in schemas.items() if not any(presets.values()))
    lines.append(f"| {others} | {' | '.join('nothing' for _ in names)} |")
    return "\n".join(lines) + "\n"


def main():
    page = pathlib.Path(sys.argv[2])
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + table(schemas_of(sys.argv[1])) + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
