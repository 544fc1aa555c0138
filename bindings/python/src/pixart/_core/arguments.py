"""Converts arguments for C: prompts, paths, and options as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from ctypes import byref, c_void_p, string_at
from typing import Any, Callable, Union

from .errors import ArgumentError
from .library import library

Path = Union[str, "os.PathLike[str]"]


def json_report(call: Callable[[Any], object]) -> dict[str, Any]:
    """Returns the JSON object that C returns through the pointer passed to `call`."""
    report = c_void_p()
    try:
        call(byref(report))
        return dict(json.loads(string_at(report.value or 0)))
    finally:
        library().pixart_string_release(report)


def encode_options(options: Mapping[str, object]) -> bytes:
    """Returns options as a JSON object for C. numpy scalars and arrays become numbers and lists; paths become
    strings."""
    return plain_json(options).encode()


def plain_json(options: Mapping[str, object]) -> str:
    """Returns options as JSON, with text as it is."""
    return json.dumps(dict(options), default=_plain, ensure_ascii=False)


def encode_text(text: object, name: str) -> bytes:
    """Returns text as UTF-8 for C. A NUL is an error, because it would end the text early."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be str, not {type(text).__name__}")
    if "\0" in text:
        raise ArgumentError(f"{name} contains a NUL character")
    return text.encode("utf-8")


def encode_path(path: Path) -> bytes:
    """Returns a path as bytes for C."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ArgumentError("path contains a NUL character")
    return encoded


def _plain(value: object) -> object:
    convert = getattr(value, "tolist", None)
    if convert is not None:
        return convert()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"an option cannot be of type {type(value).__name__}")
