#!/usr/bin/env python3
"""Writes the Python types of all options from the schemas of the library.

make_options_types.py LIBRARY OUT        for example .build/release/libpixart.so bindings/python/src/pixart/options.py
"""

import json
import pathlib
import sys
import textwrap

from make_options_doc import schemas_of

PARAMETERS = {"memory_estimate": {"stage"}}
"""Options that are named parameters in Python, by verb. They are not keys of the type."""

RESULTS = {"decode": {"Bytes": "uint8", "Float": "float32"}}
"""Verbs whose option `output_type` decides the type of the result: a name for each value. Each has a type of its own,
for overloads."""

HEAD = '''"""The options of each verb as types, for annotations: `options: DenoiseOptions = {"seed": 1}`.

Made by `make docs` from the schemas of the library. Options are passed to C as JSON,
and these types check nothing at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict
'''
SCALARS = {"boolean": "bool", "integer": "int", "number": "float", "string": "str", "null": "None"}
SUFFIX = "Scheduler"


def literal(values, indent):
    """A Literal of values, on several lines if it is long."""
    words = ["None" if value is None else json.dumps(value) for value in values]
    line = f"Literal[{', '.join(words)}]"
    return line if len(line) < 90 else "Literal[\n" + "".join(f"{indent}    {word},\n" for word in words) + f"{indent}]"


def kinds(schema):
    """The Python types of the values that a schema allows."""
    if "oneOf" in schema:
        return [kind for choice in schema["oneOf"] for kind in kinds(choice)]
    if "enum" in schema:
        return [literal(schema["enum"], "    ")]
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return [kind_named(name, schema) for name in names]


def kind_named(name, schema):
    if "properties" in schema:
        return schema["title"]
    if name == "array":
        return f"Sequence[{' | '.join(kinds(schema['items']))}]"
    if name == "object":
        values = kinds(schema["additionalProperties"]) if "additionalProperties" in schema else ["object"]
        return f"Mapping[str, {' | '.join(values)}]"
    return SCALARS[name]


def scheduler_kinds(schema):
    """The type of the option `scheduler`: a name with or without the suffix, or fields of a configuration."""
    names = schema["oneOf"][0]["enum"]
    names = [form for name in names for form in (name, name.removesuffix(SUFFIX))]
    return "\n\nSchedulerName = " + literal(names, "") + '\n"""A class of diffusers, with or without "Scheduler"."""\n'


def named_objects(schema):
    """The objects within a schema that have a type of their own, by name."""
    if "properties" in schema and schema.get("title"):
        return {schema["title"]: schema}
    parts = [*schema.get("oneOf", []), *([schema["items"]] if "items" in schema else [])]
    return {name: found for part in parts for name, found in named_objects(part).items()}


def object_class(name, schema):
    """The type of an object. If only some keys are required, these are those of a base: Python 3.10 has no marks for
    single keys."""
    keys = list(schema["properties"])
    required = [key for key in keys if key in schema["required"]]
    optional = [key for key in keys if key not in required]

    def one(name, base, note, keys):
        rows = [f"    {key}: {' | '.join(kinds(schema['properties'][key]))}\n" for key in keys]
        return f'\n\nclass {name}({base}):\n    """{note}"""\n\n' + "".join(rows)

    note = "An object within an option."
    if not optional:
        return one(name, "TypedDict", note, required)
    if not required:
        return one(name, "TypedDict, total=False", note, optional)
    base = f"_Required{name}"
    return one(base, "TypedDict", f"Keys that {name} must have.", required) + one(
        name, f"{base}, total=False", note, optional
    )


def options_class(verb, schema):
    """The types of the options of a verb."""
    name = "".join(word.capitalize() for word in verb.split("_"))
    properties = {key: row for key, row in schema["properties"].items() if key not in PARAMETERS.get(verb, ())}
    note = f"Options of pixart_{verb}"
    if verb not in RESULTS:
        return fields_class(f"{name}Options", "TypedDict, total=False", f"{note}.", properties)
    decisive = {"output_type": properties.pop("output_type")}
    text = fields_class(f"_{name}Options", "TypedDict, total=False", f"{note} besides output_type.", properties)
    text += fields_class(f"{name}Options", f"_{name}Options, total=False", f"{note}.", decisive)
    for kind, value in RESULTS[verb].items():
        is_default = value == decisive["output_type"]["default"]
        base = f"_{name}Options" + (", total=False" if is_default else "")
        text += f'\n\nclass {name}{kind}Options({base}):\n    """{note}, for results of {value}."""\n\n'
        text += f"    output_type: {literal([value], '    ')}\n"
    return text


def fields_class(name, base, note, properties):
    """A type with a key for each option."""
    lines = [f"\n\nclass {name}({base}):", f'    """{note}"""']
    for key, row in properties.items():
        found = ["SchedulerName", "Mapping[str, object]", "None"] if key == "scheduler" else kinds(row)
        lines += ["", f"    {key}: {' | '.join(dict.fromkeys(found))}"]
        text = f"{row['description']} Default: {json.dumps(row['default'])}.".replace("\\", "\\\\")
        wrapped = textwrap.wrap(f'"""{text}"""', 116, break_long_words=False, break_on_hyphens=False)
        lines += [f"    {line}" for line in wrapped]
    return "\n".join(lines) + "\n"


def page(schemas):
    """The text of the module, from the schema of each verb."""
    text = HEAD + scheduler_kinds(schemas["denoise"]["properties"]["scheduler"])
    rows = [row for schema in schemas.values() for key, row in schema["properties"].items() if key != "scheduler"]
    objects = {name: found for row in rows for name, found in named_objects(row).items()}
    text += "".join(object_class(name, found) for name, found in objects.items())
    return text + "".join(options_class(verb, schema) for verb, schema in schemas.items())


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_text(page(schemas_of(sys.argv[1])))
