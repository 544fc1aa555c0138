"""Images: on disk, in other sizes, and put into each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ._library import library
from ._options import Path, encode_options, encode_path
from ._tensor import lent, mask_bytes, produced


def read_image(path: Path, channels: int = 3) -> npt.NDArray[np.uint8]:
    """The image in a PNG file of any kind: uint8 [H, W, channels], where 1 channel is grey, 3 are RGB, 4 RGBA.

    The orientation in its Exif data is applied, as diffusers' load_image does."""
    arguments = encode_path(path), encode_options({"channels": channels})
    return produced(lambda out: library().pixart_image_read(*arguments, out))


def write_image(path: Path, images: object, index: int = 0, text: Mapping[str, str] | None = None) -> None:
    """Writes image `index` of uint8 [B, H, W, 3] or [H, W, 3] as a PNG file; `text` becomes the file's text chunks."""
    if index < 0:
        raise IndexError("index must not be negative")
    options = encode_options({} if text is None else {"text": dict(text)})
    with lent(images, "images", np.uint8) as tensor:
        library().pixart_image_write(tensor, index, encode_path(path), options)


def resize_image(
    images: object, height: int | None = None, width: int | None = None, resize_mode: str = "default"
) -> npt.NDArray[np.uint8]:
    """Images uint8 [B, H, W, C] or [H, W, C] in another size, by Lanczos' filter as Pillow has it; None keeps theirs.

    `resize_mode` "default" stretches; "crop" keeps the proportions, covers the size and cuts out the middle.
    """
    options = encode_options({"height": height, "width": width, "resize_mode": resize_mode})
    with lent(images, "images", np.uint8) as tensor:
        return produced(lambda out: library().pixart_image_resize(tensor, options, out))


def blend_images(images: object, originals: object, mask: object) -> npt.NDArray[np.uint8]:
    """Images where the mask is true, and originals elsewhere, pixel by pixel; images and originals are uint8.

    Images are [B, H, W, C] or [H, W, C]; originals as many, or one for all; the mask [H, W] or [B or 1, H, W], also with
    a last dimension of 1. The mask is as in Sampler.set_mask().
    """
    with lent(images, "images", np.uint8) as front, lent(originals, "originals", np.uint8) as back:
        with lent(mask_bytes(mask, "mask"), "mask", np.uint8) as choice:
            return produced(lambda out: library().pixart_image_blend(front, back, choice, out))
