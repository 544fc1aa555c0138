#!/usr/bin/env python3
"""Writes the Swift types of all options from the schemas of the library, one file for each verb.

make_swift_options.py LIBRARY FOLDER        for example .build/release/libpixart.so Sources/PixArt/Options/Verbs
"""

import json
import pathlib
import re
import sys
import textwrap

from make_options_doc import schemas_of

SCALARS = {"boolean": "Bool", "integer": "Int", "number": "Double", "string": "String"}
SHARED = {"preset": "Preset"}
"""Choices that are the same in every verb, with a type of their own."""
KEYWORDS = {"default"}
WIDTH = 120


def camel(name, upper=False):
    words = [word for word in re.split(r"[_\s]+", name) if word]
    first = words[0][:1].upper() + words[0][1:] if upper else words[0]
    return first + "".join(word[:1].upper() + word[1:] for word in words[1:])


def type_name(verb):
    return camel(verb, upper=True) + "Options"


def swift_type(name, schema):
    """The Swift type of an option; `JSON` if it has several forms."""
    if name == "seed":
        return "Seed"
    if "oneOf" in schema:
        return "JSON"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "string" and "enum" in schema:
        return SHARED.get(name, camel(name.removesuffix("s") if name == "parts" else name, upper=True))
    if kind == "array":
        return f"[{swift_type(name, schema['items'])}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"[String: {swift_type(name, values) if values else 'JSON'}]"
    return SCALARS[kind]


def choices(name, schema):
    """The names that an option, or an element of it, is one of."""
    if name in SHARED or "oneOf" in schema:
        return []
    values = schema.get("enum") or schema.get("items", {}).get("enum") or []
    return [value for value in values if isinstance(value, str)]


def comment(text, indent):
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent + "/// ",
        subsequent_indent=indent + "/// ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def enumeration(name, values, indent=""):
    """An enumeration of names."""
    lines = [f"{indent}public enum {name}: String, CaseIterable, Hashable, Sendable, OptionChoice {{"]
    for value in values:
        case = camel(value)
        escaped = f"`{case}`" if case in KEYWORDS else case
        lines.append(f"{indent}    case {escaped}" + (f' = "{value}"' if case != value else ""))
    return [*lines, f"{indent}}}"]


def options_file(verb, schema):
    """The type of the options of a verb."""
    rows = {name: (camel(name), swift_type(name, row), row) for name, row in schema["properties"].items()}
    lines = [
        "// Made by `make docs` from the schemas of the library.",
        "",
        f"/// The options of `pixart_{verb}`.",
        f"public struct {type_name(verb)}: CallOptions {{",
        "    public var members: [String: JSON] = [:]",
        "",
        "    public init() {}",
        "",
    ]
    parameters = [f"{swift}: {kind}? = nil" for swift, kind, _ in rows.values()]
    lines += [
        "    /// The options that are given. Parameters are in alphabetical order.",
        "    public init(",
        ",\n".join(f"        {parameter}" for parameter in parameters),
        "    ) {",
        *(f"        self.{swift} = {swift}" for swift, _, _ in rows.values()),
        "    }",
    ]
    for name, (swift, kind, row) in rows.items():
        lines += ["", *comment(f"{row['description']} Default: `{json.dumps(row['default'])}`.", "    ")]
        lines += [
            f"    public var {swift}: {kind}? {{",
            f'        get {{ read("{name}") }}',
            f'        set {{ write("{name}", newValue) }}',
            "    }",
        ]
    for name, (_, kind, row) in rows.items():
        if values := choices(name, row):
            lines += ["", f"    /// The values of `{camel(name)}`."]
            lines += enumeration(kind.strip("[]"), values, "    ")
    return "\n".join([*lines, "}", ""])


def shared_file(schemas):
    """The enumerations that every verb shares, and the list of all types for tests."""
    lines = ["// Made by `make docs` from the schemas of the library.", ""]
    for name, kind in SHARED.items():
        found = [schema["properties"][name] for schema in schemas.values() if name in schema["properties"]]
        values = [value for value in found[0]["enum"] if value is not None]
        assert all(row["enum"] == found[0]["enum"] for row in found), f"{name} differs between verbs"
        lines += [f"/// The values of the option `{camel(name)}` of every verb that has it."]
        lines += [*enumeration(kind, values), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    schemas, folder = schemas_of(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.swift"):
        old.unlink()
    (folder / "SharedChoices.swift").write_text(shared_file(schemas))
    for verb, schema in schemas.items():
        (folder / f"{type_name(verb)}.swift").write_text(options_file(verb, schema))
