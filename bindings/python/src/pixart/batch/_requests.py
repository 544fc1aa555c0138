"""Reads the input: a JSON object on each line that says what one image has to be."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._core.schema import options_schema

SEEDS = 2**64
NOT_HERE = {
    "num_images_per_prompt": "a line is one image; write one line for each, with its own seed",
    "preset": "a preset holds for the whole run: --preset",
    "strength": "a batch starts from noise, not from images",
    "control_guidance_start": "a batch has no control images",
    "control_guidance_end": "a batch has no control images",
    "controlnet_conditioning_scale": "a batch has no control images",
}
"""Options of pixart_denoise that a line cannot have, and why."""

_SHOWN = 20
"""Errors of lines that a message lists; the rest is counted."""


class Request(NamedTuple):
    """A line of the input. `options` is a JSON object with the keys "encode" and "denoise"; equal ones are one
    string."""

    line: int
    id: str | int | None
    prompt: str
    negative_prompt: str
    seed: int
    options: str

    def to_json(self) -> str:
        """What decides the image, apart from the model. The stages read it."""
        fields = {"prompt": self.prompt, "negative_prompt": self.negative_prompt, "seed": self.seed}
        return json.dumps({**fields, **json.loads(self.options)})


class BadLines(ValueError):
    """Lines of the input are wrong. The message names the file, each line, what was found and what was expected."""

    def __init__(self, path: str, errors: Mapping[int, str]) -> None:
        self.errors = dict(sorted(errors.items()))
        shown = [f"{path}:{line}: {error}" for line, error in list(self.errors.items())[:_SHOWN]]
        if len(errors) > _SHOWN:
            shown.append(f"{path}: {len(errors) - _SHOWN} more lines are wrong")
        super().__init__("\n".join(shown))


def read_requests(path: str, defaults: Mapping[str, Any]) -> list[Request]:
    """Reads every line of a file. Raises BadLines if some are wrong. `defaults` are fields for lines without them."""
    fields = _Fields()
    errors: dict[int, str] = {}
    requests: list[Request] = []
    shared: dict[str, str] = {}
    for number, text in _lines(path):
        try:
            request = fields.request(number, {**defaults, **_parse(text)})
        except ValueError as error:
            errors[number] = str(error)
        else:
            requests.append(request._replace(options=shared.setdefault(request.options, request.options)))
    if errors:
        raise BadLines(path, errors)
    return requests


def parse_request(line: int, fields: Mapping[str, Any]) -> Request:
    """Returns the fields of a line as a request. Raises ValueError if one is wrong."""
    return _Fields().request(line, fields)


class _Fields:
    """The fields of a line."""

    def __init__(self) -> None:
        self.encode, self.denoise = _defaults("encode"), _defaults("denoise")
        self.all = {"prompt", "negative_prompt", "seed", "id", *self.encode, *self.denoise}

    def request(self, number: int, fields: Mapping[str, Any]) -> Request:
        for name in fields:
            self._check_name(name)
        if "prompt" not in fields:
            raise ValueError('"prompt" is missing')
        seed, identifier = fields.get("seed", 0), fields.get("id")
        if type(seed) is not int or not 0 <= seed < SEEDS:
            raise ValueError(f'"seed" is {json.dumps(seed)}, expected an integer from 0 to {SEEDS - 1}')
        if identifier is not None and type(identifier) not in (int, str):
            raise ValueError(f'"id" is {json.dumps(identifier)}, expected a string or an integer')
        options = {"encode": _given(fields, self.encode), "denoise": _given(fields, self.denoise)}
        prompt, negative = _text(fields, "prompt"), _text(fields, "negative_prompt")
        return Request(number, identifier, prompt, negative, seed, json.dumps(options))

    def _check_name(self, name: str) -> None:
        if name in self.all:
            return
        if name in NOT_HERE:
            raise ValueError(f'"{name}" cannot be given: {NOT_HERE[name]}')
        close = difflib.get_close_matches(name, sorted(self.all), 1)
        expected = f'did you mean "{close[0]}"?' if close else f"expected {', '.join(sorted(self.all))}"
        raise ValueError(f'there is no field "{name}"; {expected}')


def _defaults(verb: str) -> dict[str, str | None]:
    """The options of a verb that a line can have, and their defaults as JSON. It is None if a preset sets the option:
    its default, if it is given, then differs from none."""
    schema = options_schema(verb)
    names = set(schema["properties"]) - set(NOT_HERE) - {"seed"}
    by_preset = {name for preset in schema.get("presets", {}).values() for name in preset}
    return {
        name: None if name in by_preset else json.dumps(schema["properties"][name].get("default"))
        for name in sorted(names)
    }


def _given(fields: Mapping[str, Any], defaults: Mapping[str, str | None]) -> dict[str, Any]:
    """The options among the fields, without those that have their default: the images are the same."""
    return {
        name: fields[name]
        for name, default in defaults.items()
        if name in fields and json.dumps(fields[name]) != default
    }


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1 on."""
    with open(path, "rb") as file:
        for number, text in enumerate(file, 1):
            if number == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if text.strip():
                yield number, text.rstrip()


def _parse(text: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not readable: JSON that is nested too deeply") from None
    if not isinstance(fields, dict):
        raise ValueError(f'a JSON {type(fields).__name__}, expected an object such as {{"prompt": "a cat"}}')
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"not JSON: {name} is not a number")


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str):
        raise ValueError(f'"{name}" is {json.dumps(text)}, expected a string')
    if "\0" in text:
        raise ValueError(f'"{name}" contains a NUL character')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f'"{name}" has half of a surrogate pair at character {error.start + 1}') from None
    return text
