"""Images to latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_options
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.stage import Stage
from ._core.tensor import borrowed_tensor, contiguous, take_array
from .options import ImageEncodeOptions, ImageEncoderMemoryOptions, ImageEncoderOpenOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ImageEncoder(Stage):
    """The VAE encoder of a checkpoint, or that of a tiny autoencoder. Thread-safe.

    `model` is a folder in the diffusers layout.
    """

    _name = "image_encoder"

    def __init__(self, model: Path, *, progress: Progress = None, **options: Unpack[ImageEncoderOpenOptions]) -> None:
        super().__init__(model, options, progress)

    def encode(
        self, images: object, *, progress: Progress = None, **options: Unpack[ImageEncodeOptions]
    ) -> npt.NDArray[np.float32]:
        """Encodes images, uint8 [B, H, W, 3] or [H, W, 3] with H and W multiples of 8, into latents: float32
        [B, C, H / 8, W / 8], scaled as Denoiser and Decoder take them."""
        array, encoded = contiguous(images, "images", np.uint8), encode_options(options)

        def run(callback: Any) -> npt.NDArray[np.float32]:
            with self._borrow() as encoder, borrowed_tensor(array, "images", np.uint8) as tensor:
                return take_array(
                    lambda out: library().pixart_image_encode(encoder, tensor, encoded, callback, None, out)
                )

        return with_progress(progress, run)

    def memory(self, **options: Unpack[ImageEncoderMemoryOptions]) -> dict[str, int]:
        """Reports the memory of encode() in bytes for an image of `height` by `width` pixels, with the keys of
        Encoder.memory()."""
        return self._memory(options)
