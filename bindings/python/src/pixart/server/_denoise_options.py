"""The options of a run that requests may give: those of the library, within the bounds of this server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._core.schema import options_schema
from ._fields import Fields, wrong
from ._refusals import Refusal
from ._settings import Settings

OWN = ("seed", "num_images_per_prompt", "height", "width")
"""Options that each API has under names of its own, or that the server sets."""
BOUNDED_LISTS = {"timesteps": 0, "sigmas": 1}
"""Options whose length, less this, is the number of steps."""


class DenoiseOptionNames:
    """The schema of the options, and what a request may say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._properties: dict[str, Any] = options_schema("denoise")["properties"]

    def __contains__(self, name: str) -> bool:
        return name in self._properties

    def schema(self, max_side: int, default_side: int) -> dict[str, Any]:
        """The options as JSON Schema, with this server's bounds and defaults: what the page makes its controls from."""
        properties = {name: dict(each) for name, each in self._properties.items() if name != "num_images_per_prompt"}
        properties["num_inference_steps"]["maximum"] = self._settings.max_steps
        properties["preset"]["default"] = self._settings.preset
        for side in ("height", "width"):
            properties[side] = {**properties[side], "maximum": max_side, "default": default_side, "multipleOf": 16}
        return properties

    def schedulers(self) -> list[str]:
        """The classes of schedulers."""
        return list(self._properties["scheduler"]["oneOf"][0]["enum"])

    def scheduler_fields(self, scheduler: str) -> set[str]:
        """The fields of a scheduler's configuration."""
        for each in self._properties["scheduler"]["oneOf"]:
            fields = each.get("properties", {})
            if fields.get("_class_name", {}).get("const") == scheduler:
                return set(fields)
        return set()

    def read(self, fields: Fields, names: Iterable[str], *, as_json: bool) -> dict[str, Any]:
        """Takes the options out of a request's fields, and checks this server's bounds. The library checks the rest.

        `as_json` reads texts of a form as JSON where that is possible: forms have no numbers and lists.
        """
        options = {}
        for name in names:
            if name in OWN:
                continue
            options[name] = _parsed(fields.raw(name)) if as_json else fields.raw(name)
        most = self._settings.max_steps
        steps = options.get("num_inference_steps")
        if isinstance(steps, int) and steps > most:
            raise wrong("num_inference_steps", steps, f"an integer from 1 to {most}, the limit of this server")
        for name, extra in BOUNDED_LISTS.items():
            if isinstance(options.get(name), list) and len(options[name]) - extra > most:
                raise wrong(name, options[name], f"an array for at most {most} steps, the limit of this server")
        return options

    def unknown(self, name: str) -> Refusal:
        return Refusal(
            400,
            f"{name} is not a field of this endpoint, and not an option of pixart_denoise; "
            f"its options: {', '.join(name for name in self._properties if name not in OWN)}",
            param=name,
            code="unknown_parameter",
        )


def check_side(name: str, value: int, most: int) -> int:
    """A height or width within the bounds of this server."""
    if not 16 <= value <= most:
        raise wrong(name, value, f"sides from 16 to {most} pixels, the limit of this server")
    return value


def _parsed(value: Any) -> Any:
    import json

    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return value
