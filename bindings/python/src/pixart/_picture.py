"""What a caller may pass as an image: a path, a Pillow image or an array."""

from __future__ import annotations

import os
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ._core.errors import ArgumentError
from ._image import read_image, resize_image

Picture = Union[str, "os.PathLike[str]", object]
"""The path of a PNG file, a Pillow image, or an array: uint8 [H, W, 3]; for a mask [H, W], uint8 or bool."""


def picture_of(picture: Picture, name: str) -> npt.NDArray[np.uint8]:
    """The pixels of a picture, uint8 [H, W, 3]."""
    return _pixels(picture, name, "RGB", 3)


def mask_of(picture: Picture, name: str) -> npt.NDArray[np.uint8]:
    """The pixels of a mask, uint8 [H, W, 1] with 0 and 255."""
    pixels = _pixels(picture, name, "L", 1)
    return np.where(pixels >= 128, 255, 0).astype(np.uint8)


def _pixels(picture: Picture, name: str, mode: str, channels: Any) -> npt.NDArray[np.uint8]:
    if isinstance(picture, (str, os.PathLike)):
        return read_image(picture, channels)
    convert = getattr(picture, "convert", None)
    array = np.asarray(convert(mode) if convert is not None else picture)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if channels == 1:
        array = array * np.uint8(255) if array.dtype == bool else array
        array = array[..., np.newaxis] if array.ndim == 2 else array
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != channels or array.size == 0:
        expected = "[H, W, 3]" if channels == 3 else "[H, W], or bool"
        raise ArgumentError(f"{name}: an array of {array.dtype} {list(array.shape)}; expected uint8 {expected}")
    return array


def resized(pixels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Pixels that cover this size, cut in the middle."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return resize_image(pixels, height, width, "crop")
