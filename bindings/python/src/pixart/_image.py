"""Images on disk."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ._library import library
from ._options import Path, encode_options, encode_path
from ._tensor import lent


def write_image(path: Path, images: object, index: int = 0, text: Mapping[str, str] | None = None) -> None:
    """Writes image `index` of uint8 [B, H, W, 3] or [H, W, 3] as a PNG file; `text` becomes the file's text chunks."""
    if index < 0:
        raise IndexError("index must not be negative")
    options = encode_options({} if text is None else {"text": dict(text)})
    with lent(images, "images", np.uint8) as tensor:
        library().pixart_image_write(tensor, index, encode_path(path), options)
