"""Styles: named templates for prompts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Union

from .._core.arguments import Path
from .._core.errors import ArgumentError, FileError, Status

Styles = Union[Path, Mapping[str, Mapping[str, str]], Iterable[Mapping[str, str]]]
"""A JSON file, or its content (a list of objects with name, prompt and negative_prompt), or the result of styles()."""

PLACE = "{prompt}"
"""The placeholder for the prompt in a template."""


def styles(source: Styles | None = None) -> dict[str, dict[str, str]]:
    """Returns the styles of `source`, or those of this package: name -> {"prompt": a template with {prompt} in it,
    "negative_prompt": what the image should not show}."""
    if source is None:
        return _checked(json.loads(resources.files("pixart.prompts").joinpath("styles.json").read_text("utf-8")))
    if not isinstance(source, (str, os.PathLike)):
        try:
            return _checked(source)
        except ValueError as error:
            raise ArgumentError(f"styles: {error}") from None
    path = os.fspath(source)
    try:
        with open(path, encoding="utf-8") as file:
            return _checked(json.load(file))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path}: {error}", status=Status.ERROR_FORMAT) from error


def apply_style(name: str, prompt: str, negative_prompt: str = "", *, source: Styles | None = None) -> tuple[str, str]:
    """Returns prompt and negative prompt in the style `name` of styles(source): the template with `prompt` inserted,
    and the style's negative prompt followed by `negative_prompt`."""
    known = styles(source)
    if name not in known:
        raise ArgumentError(f'name: there is no style "{name}"; expected one of {", ".join(known)}')
    style = known[name]
    negatives = [text for text in (style["negative_prompt"], negative_prompt) if text]
    return style["prompt"].replace(PLACE, prompt), ", ".join(negatives)


def _checked(content: object) -> dict[str, dict[str, str]]:
    """Returns styles by name. Raises ValueError if one is malformed."""
    if isinstance(content, Mapping):
        content = [{**_fields(style, f'"{name}"'), "name": name} for name, style in content.items()]
    if isinstance(content, str) or not isinstance(content, Iterable):
        raise ValueError(f"expected a list of styles, found {type(content).__name__}")
    known: dict[str, dict[str, str]] = {}
    for index, style in enumerate(content):
        fields = {"negative_prompt": "", **_fields(style, str(index))}
        for key in ("name", "prompt", "negative_prompt"):
            if not isinstance(fields.get(key), str):
                raise ValueError(f'style {index}: "{key}" is {fields.get(key)!r}, expected text')
        name, template = fields["name"], fields["prompt"]
        if PLACE not in template:
            raise ValueError(f'style "{name}": its prompt is "{template}", expected {PLACE} in it')
        if name in known:
            raise ValueError(f'style "{name}" is there twice')
        known[name] = {"prompt": template, "negative_prompt": fields["negative_prompt"]}
    return known


def _fields(style: object, name: str) -> Mapping[str, str]:
    if not isinstance(style, Mapping):
        raise ValueError(f"style {name}: expected an object, found {type(style).__name__}")
    return style
