#!/usr/bin/env python3
"""Writes the table of all options from the schemas of the library.

make_options_doc.py LIBRARY OUT        for example .build/release/libpixart.so docs/options.md
"""

import ctypes
import json
import pathlib
import sys

HEAD = """# Options

Every verb takes its options as a JSON object (in Python: as keyword arguments). Unknown keys, wrong types and values
out of range are errors; the message names the key and what is allowed. `pixart_options_schema(verb)` returns this table
as JSON Schema, and `make docs` makes this page from it.
"""


def allowed(schema):
    """The values that a property may have, in words."""
    if "oneOf" in schema and "type" in schema:
        return " or ".join(schema["type"])
    if "oneOf" in schema:
        return " or ".join(allowed(choice) for choice in schema["oneOf"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = " or ".join(kinds)
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "items" in schema:
        count = f" {schema['maxItems']}" if "maxItems" in schema else ""
        return f"array of{count} {allowed(schema['items'])}" + (", or null" if "null" in kinds else "")
    if "minimum" not in schema and "maximum" in schema:
        words += f", at most {schema['maximum']:g}"
    if "minimum" in schema:
        words += (
            f", {schema['minimum']:g} to {schema['maximum']:g}"
            if "number" in kinds
            else (f", {schema['minimum']} to {schema['maximum']}")
        )
    if schema.get("title"):
        return f"{words} with {', '.join(f'`{key}`' for key in schema['properties'])}"
    if "additionalProperties" in schema:
        values = allowed(schema["additionalProperties"])
        words += f" of {values.replace('string', 'strings').replace('number', 'numbers')}"
    return words


def scheduler_fields(schema):
    """A table for each scheduler, of the fields that the option `scheduler` may have."""
    page = "\n# Fields of the schedulers\n\nFields that the option `scheduler` of pixart_denoise may have in addition to the class.\n"
    for choice in schema["properties"]["scheduler"]["oneOf"]:
        if "properties" not in choice:
            continue
        page += f"\n## {choice['title']}\n\n| field | value | default | meaning |\n|---|---|---|---|\n"
        for name, row in choice["properties"].items():
            if "description" in row:
                default = json.dumps(row["default"]) if "default" in row else "-Infinity"
                page += f"| `{name}` | {allowed(row)} | `{default}` | {row['description']} |\n"
    return page


def schemas_of(path):
    """The schema of each verb of a library file."""
    library = ctypes.CDLL(str(pathlib.Path(path).resolve()))
    library.pixart_options_schema.restype = ctypes.c_char_p
    verbs = json.loads(library.pixart_options_schema(None))
    return {verb: json.loads(library.pixart_options_schema(verb.encode())) for verb in verbs}


def main():
    page = HEAD
    for verb, schema in schemas_of(sys.argv[1]).items():
        page += f"\n## pixart_{verb}\n\n| option | value | default | meaning |\n|---|---|---|---|\n"
        for name, row in schema["properties"].items():
            page += f"| `{name}` | {allowed(row)} | `{json.dumps(row['default'])}` | {row['description']} |\n"
        if verb == "denoise":
            fields = scheduler_fields(schema)
    pathlib.Path(sys.argv[2]).write_text(page + fields)


if __name__ == "__main__":
    main()
