"""Flags that are made from the schemas of the library's options."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from .._core.schema import options_schema

Schema = Mapping[str, Any]


class Flags:
    """A flag for each option of a verb: --num-inference-steps, or --decode.low-memory with a prefix.

    Numbers and texts are given as they are, lists and objects as JSON. A list may also be written 0,0.6. A boolean has
    two flags: --decode.low-memory and --no-decode.low-memory.
    """

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        verb: str,
        title: str,
        prefix: str = "",
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._places: dict[str, str] = {}
        group = parser.add_argument_group(title)
        for name, schema in options_schema(verb)["properties"].items():
            if name in without:
                continue
            flag = f"--{prefix}{name.replace('_', '-')}"
            place = self._places[name] = f"{prefix}{name}"
            group.add_argument(flag, dest=place, default=None, help=_help(schema), **_reading(schema))

    def given(self, arguments: argparse.Namespace) -> dict[str, Any]:
        """The options that the command line has."""
        values = {name: getattr(arguments, place) for name, place in self._places.items()}
        return {name: value for name, value in values.items() if value is not None}


def _types(schema: Schema) -> set[str]:
    if "oneOf" in schema:
        return {each for part in schema["oneOf"] for each in _types(part)}
    found = schema.get("type", "object")
    return {found} if isinstance(found, str) else set(found)


def _choices(schema: Schema) -> list[str]:
    parts = schema.get("oneOf", [schema])
    return [str(each) for part in parts for each in part.get("enum", ()) if each is not None]


def _reading(schema: Schema) -> dict[str, Any]:
    types, choices = _types(schema) - {"null"}, _choices(schema)
    if types == {"boolean"}:
        return {"action": argparse.BooleanOptionalAction}
    if types == {"string"} and choices:
        return {"choices": choices, "metavar": "|".join(choices)}
    if types == {"string"}:
        return {"metavar": "TEXT"}
    if types == {"integer"}:
        return {"type": int, "metavar": "N"}
    if types <= {"integer", "number"}:
        return {"type": float, "metavar": "X"}
    metavar = "|".join([*choices, "JSON"]) if len(choices) < 5 else "NAME|JSON"
    return {"type": NameOrJSON(types, choices), "metavar": metavar}


class NameOrJSON:
    """Reads the value of an option that is no single type."""

    def __init__(self, types: set[str], names: list[str]) -> None:
        self.names = names
        """The names that the option takes."""
        self._types = types

    def __call__(self, text: str) -> Any:
        try:
            if "array" in self._types and not text.lstrip().startswith("["):
                return json.loads(text if "integer" in self._types and "," not in text else f"[{text}]")
            return json.loads(text)
        except json.JSONDecodeError:
            if "string" in self._types:
                return text
            if "array" in self._types:
                return [each.strip() for each in text.split(",")]
            raise argparse.ArgumentTypeError(f"{text!r} is no JSON") from None


def _help(schema: Schema) -> str:
    text = schema.get("description", "").split("docs/")[0]
    first = text.split(". ")[0].rstrip(".")
    default = f" (default: {json.dumps(schema['default'])})" if schema.get("default") not in (None, [], {}) else ""
    bounds = [f"{schema[key]:g}" for key in ("minimum", "maximum") if key in schema]
    limits = f" [{'...'.join(bounds)}]" if len(bounds) == 2 else ""
    return f"{first}{limits}{default}".replace("%", "%%")
