"""Latents to images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_options
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.stage import Stage
from ._core.tensor import borrowed_tensor, contiguous, take_array
from .options import (
    DecodeBytesOptions,
    DecodeFloatOptions,
    DecodeOptions,
    DecoderMemoryOptions,
    DecoderOpenOptions,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Decoder(Stage):
    """The VAE decoder of a checkpoint, or that of a tiny autoencoder. Thread-safe.

    `model` is a folder in the diffusers layout.
    """

    _name = "decoder"

    def __init__(self, model: Path, *, progress: Progress = None, **options: Unpack[DecoderOpenOptions]) -> None:
        super().__init__(model, options, progress)

    @overload
    def decode(
        self, latents: object, *, progress: Progress = None, **options: Unpack[DecodeBytesOptions]
    ) -> npt.NDArray[np.uint8]: ...
    @overload
    def decode(
        self, latents: object, *, progress: Progress = None, **options: Unpack[DecodeFloatOptions]
    ) -> npt.NDArray[np.float32]: ...
    @overload
    def decode(
        self, latents: object, *, progress: Progress = None, **options: Unpack[DecodeOptions]
    ) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]: ...
    def decode(
        self, latents: object, *, progress: Progress = None, **options: Unpack[DecodeOptions]
    ) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
        """Decodes latents [B, C, Y, X] into images: uint8 [B, H, W, 3], or float32 from 0 to 1 with
        output_type="float32"."""
        array, encoded = contiguous(latents, "latents"), encode_options(options)

        def run(callback: Any) -> npt.NDArray[Any]:
            with self._borrow() as decoder, borrowed_tensor(array, "latents") as tensor:
                return take_array(lambda out: library().pixart_decode(decoder, tensor, encoded, callback, None, out))

        return with_progress(progress, run)

    def memory(self, **options: Unpack[DecoderMemoryOptions]) -> dict[str, int]:
        """Reports the memory of decode() in bytes for an image of `height` by `width` pixels, with the keys of
        Encoder.memory()."""
        return self._memory(options)
