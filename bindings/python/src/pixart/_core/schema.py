"""The options of the library's verbs."""

from __future__ import annotations

import json
from typing import Any

from .arguments import encode_text
from .errors import ArgumentError
from .library import library


def verbs() -> list[str]:
    """The verbs that take options: the functions of `pixart.h` without their prefix."""
    return list(json.loads(library().pixart_options_schema(None)))


def options_schema(verb: str) -> dict[str, Any]:
    """The options of a verb as JSON Schema: types, ranges, defaults and descriptions. `verb` is one of verbs()."""
    schema = library().pixart_options_schema(encode_text(verb, "verb"))
    if schema is None:
        raise ArgumentError(f"verb: there is no {verb!r}; expected one of {', '.join(verbs())}")
    return dict(json.loads(schema))
