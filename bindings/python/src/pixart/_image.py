"""Images: reading, writing, resizing, blending and edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_options, encode_path
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.tensor import borrowed_tensor, contiguous, mask_bytes, take_array
from .options import ImageEdgesOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


def read_image(path: Path, channels: Literal[1, 3, 4] = 3) -> npt.NDArray[np.uint8]:
    """Reads a PNG file of any kind: uint8 [H, W, channels]. 1 channel is grey, 3 are RGB, 4 are RGBA.

    The orientation in its Exif data is applied, as diffusers' load_image does."""
    arguments = encode_path(path), encode_options({"channels": channels})
    return take_array(lambda out: library().pixart_image_read(*arguments, out))


def write_image(path: Path, images: object, index: int = 0, text: Mapping[str, str] | None = None) -> None:
    """Writes image `index` of uint8 [B, H, W, 3] or [H, W, 3] as a PNG file; `text` becomes the file's text chunks."""
    if index < 0:
        raise IndexError("index must not be negative")
    options = encode_options({} if text is None else {"text": dict(text)})
    with borrowed_tensor(images, "images", np.uint8) as tensor:
        library().pixart_image_write(tensor, index, encode_path(path), options)


def decode_png(data: bytes | bytearray | memoryview, channels: Literal[1, 3, 4] = 3) -> npt.NDArray[np.uint8]:
    """Reads the bytes of a PNG file, as read_image() reads a file."""
    copy, options = bytes(data), encode_options({"channels": channels})
    return take_array(lambda out: library().pixart_image_read_memory(copy, len(copy), options, out))


def encode_png(images: object, index: int = 0, text: Mapping[str, str] | None = None) -> bytes:
    """Returns the bytes of the PNG file that write_image() would write."""
    if index < 0:
        raise IndexError("index must not be negative")
    options = encode_options({} if text is None else {"text": dict(text)})
    with borrowed_tensor(images, "images", np.uint8) as tensor:
        file = take_array(lambda out: library().pixart_image_write_memory(tensor, index, options, out))
    return file.tobytes()


def resize_image(
    images: object,
    height: int | None = None,
    width: int | None = None,
    resize_mode: Literal["default", "crop"] = "default",
) -> npt.NDArray[np.uint8]:
    """Resizes images, uint8 [B, H, W, C] or [H, W, C], with Pillow's Lanczos filter. None keeps a dimension.

    `resize_mode` "default" stretches; "crop" keeps the proportions, covers the size and cuts out the middle.
    """
    options = encode_options({"height": height, "width": width, "resize_mode": resize_mode})
    with borrowed_tensor(images, "images", np.uint8) as tensor:
        return take_array(lambda out: library().pixart_image_resize(tensor, options, out))


def blend_images(images: object, originals: object, mask: object) -> npt.NDArray[np.uint8]:
    """Combines images pixel by pixel: `images` if the mask is true, else `originals`. Both are uint8.

    Images are [B, H, W, C] or [H, W, C]; originals as many, or one for all; the mask [H, W] or [B or 1, H, W], also
    with a last dimension of 1. The mask is as in Sampler.set_mask().
    """
    with borrowed_tensor(images, "images", np.uint8) as front:
        with borrowed_tensor(originals, "originals", np.uint8) as back:
            with borrowed_tensor(mask_bytes(mask, "mask"), "mask", np.uint8) as choice:
                return take_array(lambda out: library().pixart_image_blend(front, back, choice, out))


def detect_edges(
    images: object, model: Path, *, progress: Progress = None, **options: Unpack[ImageEdgesOptions]
) -> npt.NDArray[np.uint8]:
    """Detects the edges of images, uint8 [B, H, W, 3] or [H, W, 3], by the network HED: white on black, of the same
    shape. ImageEncoder.encode() makes the control image of a ControlNet from them.

    `model` is the file ControlNetHED.pth, or the folder or id of the repository lllyasviel/Annotators.
    """
    array, arguments = contiguous(images, "images", np.uint8), (encode_path(model), encode_options(options))

    def run(callback: Any) -> npt.NDArray[np.uint8]:
        with borrowed_tensor(array, "images", np.uint8) as tensor:
            return take_array(lambda out: library().pixart_image_edges(tensor, *arguments, callback, None, out))

    return with_progress(progress, run)
