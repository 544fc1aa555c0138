"""Images to latents."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._call import interruptible
from ._handle import Handle
from ._library import library
from ._options import Path, encode_options, encode_path, told
from ._tensor import contiguous, lent, produced


class ImageEncoder(Handle):
    """The VAE encoder of a checkpoint, or that of a tiny autoencoder. Any number of threads may use it at once.

    `model` is a folder in the diffusers layout; options are those of `options_schema("image_encoder_open")`.
    """

    def __init__(self, model: Path, **options: Any) -> None:
        c = library()
        arguments = encode_path(model), encode_options(options)
        super().__init__(lambda out: c.pixart_image_encoder_open(*arguments, out), c.pixart_image_encoder_release)

    def encode(self, images: object, **options: Any) -> npt.NDArray[np.float32]:
        """The latents of images, uint8 [B, H, W, 3] or [H, W, 3] with H and W multiples of 8: float32
        [B, C, H / 8, W / 8], scaled as Denoiser and Decoder take them. Options: `sample_mode` ("sample" or "argmax") and
        `seed`, see `options_schema("image_encode")`."""
        array, encoded = contiguous(images, "images", np.uint8), encode_options(options)

        def run() -> npt.NDArray[np.float32]:
            with self._in_use() as encoder, lent(array, "images", np.uint8) as tensor:
                return produced(lambda out: library().pixart_image_encode(encoder, tensor, encoded, out))

        return interruptible(run)

    def memory(self, **options: Any) -> dict[str, int]:
        """What encode() takes of memory, in bytes, for an image of `height` by `width` pixels: the keys of
        Encoder.memory(). Options: see `options_schema("image_encoder_memory")`."""
        encoded = encode_options(options)
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_image_encoder_memory(encoder, encoded, report))

    def report(self) -> dict[str, Any]:
        """What this was opened from, and how: as Encoder.report()."""
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_image_encoder_report(encoder, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Where the time of encode() went since this was opened: as Encoder.profile()."""
        with self._in_use() as encoder:
            return told(lambda report: library().pixart_image_encoder_profile(encoder, report))
