"""Reads the fields of a request. Each error names the field, what was found, and what is expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ._refusals import Refusal


class Fields:
    """The fields of a JSON object or a form. A field that is null counts as not given, and so does an empty one of a
    form."""

    def __init__(self, given: Mapping[str, Any], *, is_form: bool = False) -> None:
        self._given = {
            name: value for name, value in given.items() if value is not None and not (is_form and value == "")
        }
        self._is_form = is_form

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def names(self) -> Iterable[str]:
        return self._given.keys()

    def raw(self, name: str) -> Any:
        """The value as it came, or None."""
        return self._given.get(name)

    def text(self, name: str, default: str | None = None, *, longest: int | None = None) -> str:
        value = self._given.get(name, default)
        if value is None:
            raise Refusal(400, f"{name} is missing", param=name, code="missing_required_parameter")
        if not isinstance(value, str):
            raise wrong(name, value, "a string")
        if longest is not None and len(value) > longest:
            raise wrong(name, f"{len(value)} characters long", f"at most {longest}", is_text=True)
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise wrong(
                name, "text with a character that is not allowed", "text without NUL and surrogates", is_text=True
            )
        return value

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        value, known = self.text(name, default), list(choices)
        if value not in known:
            raise wrong(name, value, " or ".join(f'"{each}"' for each in known))
        return value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        value = self._number(name, default)
        if isinstance(value, float) and not value.is_integer() or not least <= value <= most:
            raise wrong(name, self._given[name] if name in self._given else value, f"an integer from {least} to {most}")
        return int(value)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        value = self._number(name, default)
        if not least <= value <= most:
            raise wrong(name, self._given.get(name), f"a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._given.get(name, default)
        if self._is_form and isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
        if not isinstance(value, bool):
            raise wrong(name, value, "true or false")
        return value

    def _number(self, name: str, default: float) -> float | int:
        value = self._given.get(name, default)
        if self._is_form and isinstance(value, str):
            try:
                value = int(value) if value.lstrip("+-").isdigit() and len(value) < 25 else float(value)
            except ValueError:
                raise wrong(name, value, "a number") from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise wrong(name, value, "a number")
        return value


def wrong(name: str, value: object, expected: str, *, is_text: bool = False) -> Refusal:
    """The refusal of a field's value."""
    found = str(value) if is_text else shown(value)
    return Refusal(400, f"{name} is {found}; expected {expected}", param=name, code="invalid_value")


def shown(value: object) -> str:
    """A value for an error message: short, and never a whole image."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:40]}..." of {len(value)} characters'
    return str(value)[:60] if isinstance(value, (int, float)) else "a file"
