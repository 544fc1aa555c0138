"""Size flags in a prompt, as in the original PixArt programs."""

from __future__ import annotations

import math
import re
from typing import TypedDict

from .._core.errors import ArgumentError

UNIT = 16
"""Pixels along each side must be a multiple: 8 for a latent, two latents for a patch."""

NARROWEST = 0.01
"""The least aspect ratio. Its reciprocal is the greatest."""

_FLAG = re.compile(r"(?<!\S)--(aspect_ratio|ar|hw)(?!\w)(?:(\S+)|\s+(\S+))?", re.IGNORECASE)
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_RATIO = re.compile(rf"{_NUMBER}(?::{_NUMBER})?")
_SIZE = re.compile(r"(\d{1,5}):(\d{1,5})")


class Size(TypedDict, total=False):
    """The options of denoise() and decode() that set a size in pixels. Empty for the checkpoint's default size."""

    height: int
    width: int


def parse_size_flags(prompt: str, base: int = 1024) -> tuple[str, Size]:
    """Returns a prompt without its size flags, and the size: {"height": ..., "width": ...} for denoise(), or {} if
    there are no flags.

    `--ar H:W` and `--aspect_ratio H:W` set the aspect ratio, height first, or as one number H / W. The size has about
    base x base pixels in that ratio; `base` is the side of the checkpoint's square image (8 times its sample_size).
    `--hw H:W` sets height and width in pixels. `--hw` has precedence over `--aspect_ratio`, which has precedence over
    `--ar`. Of several equal flags, the first counts. A flag may be anywhere between words.
    """
    if base < UNIT:
        raise ArgumentError(f"base is {base}; expected the side of an image in pixels, {UNIT} or more")
    sizes: dict[str, tuple[int, int]] = {}
    for flag in _FLAG.finditer(prompt):
        name = flag[1].lower()
        sizes.setdefault(name, _pixels(flag) if name == "hw" else _side_lengths(_ratio(flag), base))
    text = " ".join(part for part in map(str.strip, _without_flags(prompt)) if part) if sizes else prompt
    for name in ("hw", "aspect_ratio", "ar"):
        if name in sizes:
            height, width = sizes[name]
            return text, {"height": height, "width": width}
    return text, {}


def _without_flags(prompt: str) -> list[str]:
    """The text between the flags."""
    ends = [0, *(end for flag in _FLAG.finditer(prompt) for end in flag.span()), len(prompt)]
    return [prompt[start:end] for start, end in zip(ends[::2], ends[1::2])]


def _side_lengths(ratio: float, base: int) -> tuple[int, int]:
    """Returns height and width of about base x base pixels, multiples of UNIT. The longer side is computed from the
    rounded shorter one, so their ratio is as close as possible, and so is the size that resolution binning takes."""
    stretch = max(ratio, 1 / ratio)
    shorter = max(UNIT, round(base / math.sqrt(stretch) / UNIT) * UNIT)
    longer = round(shorter * stretch / UNIT) * UNIT
    return (longer, shorter) if ratio > 1 else (shorter, longer)


def _ratio(flag: re.Match[str]) -> float:
    match = _RATIO.fullmatch(flag[3] or "")
    if match and not flag[2]:
        height, width = float(match[1]), float(match[2] or 1)
        if width > 0 and NARROWEST <= height / width <= 1 / NARROWEST:
            return height / width
    raise _malformed(flag, "height:width or height / width from 0.01 to 100, such as 9:16 or 0.56")


def _pixels(flag: re.Match[str]) -> tuple[int, int]:
    match = _SIZE.fullmatch(flag[3] or "")
    if match and not flag[2] and int(match[1]) > 0 and int(match[2]) > 0:
        return int(match[1]), int(match[2])
    raise _malformed(flag, "height:width in pixels, such as 768:1024")


def _malformed(flag: re.Match[str], expected: str) -> ArgumentError:
    return ArgumentError(f'prompt: "{flag[0]}" is not a size; --{flag[1]} takes {expected}')
