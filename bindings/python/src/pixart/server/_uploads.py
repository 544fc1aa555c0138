"""Reads uploaded images: PNG files, bounded in pixels before they are unpacked."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Literal

import numpy as np

from .._core.errors import PixArtError
from .._image import decode_png
from ._fields import shown
from ._jobs import Pixels
from ._refusals import Refusal

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def from_base64(text: object, name: str) -> bytes:
    """The bytes of base64 text, which may be a data: URL."""
    if not isinstance(text, str):
        raise Refusal(400, f"{name} is {shown(text)}; expected a PNG file as base64", param=name, code="invalid_value")
    body = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, f"{name} is not base64", param=name, code="invalid_value") from None


def read_png(data: bytes, name: str, *, most_pixels: int, channels: Literal[1, 3, 4] = 3) -> Pixels:
    """The pixels of a PNG file. Its header alone decides whether it is too large."""
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        raise Refusal(400, f"{name} is not a PNG file", param=name, code="invalid_image_format")
    width, height = struct.unpack(">II", data[16:24])
    if width * height > most_pixels:
        message = f"{name} has {width} x {height} pixels; expected at most {most_pixels} in all"
        raise Refusal(413, message, param=name, code="image_too_large")
    try:
        return decode_png(data, channels)
    except PixArtError as error:
        raise Refusal(400, f"{name}: {error}", param=name, code="invalid_image_file") from None


def transparent_parts(pixels: Pixels) -> Pixels:
    """OpenAI's masks: white where RGBA pixels are transparent, black elsewhere."""
    return np.where(pixels[..., 3] < 128, 255, 0).astype(np.uint8)
