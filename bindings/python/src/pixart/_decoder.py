"""Latents to images."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ._call import interruptible
from ._handle import Handle
from ._library import library
from ._options import Path, encode_options, encode_path, told
from ._tensor import contiguous, lent, produced


class Decoder(Handle):
    """The VAE decoder of a checkpoint, or that of a tiny autoencoder. Any number of threads may use it at once.

    `model` is a folder in the diffusers layout; options are those of `options_schema("decoder_open")`.
    """

    def __init__(self, model: Path, **options: Any) -> None:
        c = library()
        arguments = encode_path(model), encode_options(options)
        super().__init__(lambda out: c.pixart_decoder_open(*arguments, out), c.pixart_decoder_release)

    def decode(self, latents: object, **options: Any) -> npt.NDArray[Any]:
        """The images of latents [B, C, Y, X]: uint8 [B, H, W, 3], or float32 in 0 ... 1 with output_type="float32"."""
        array, encoded = contiguous(latents, "latents"), encode_options(options)

        def run() -> npt.NDArray[Any]:
            with self._in_use() as decoder, lent(array, "latents") as tensor:
                return produced(lambda out: library().pixart_decode(decoder, tensor, encoded, out))

        return interruptible(run)

    def memory(self, **options: Any) -> dict[str, int]:
        """What decode() takes of memory, in bytes, for a picture of `height` by `width` pixels: the keys of
        Encoder.memory(). Options: see `options_schema("decoder_memory")`."""
        encoded = encode_options(options)
        with self._in_use() as decoder:
            return told(lambda report: library().pixart_decoder_memory(decoder, encoded, report))

    def report(self) -> dict[str, Any]:
        """What this was opened from, and how: as Encoder.report()."""
        with self._in_use() as decoder:
            return told(lambda report: library().pixart_decoder_report(decoder, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Where the time of decode() went since this was opened: as Encoder.profile()."""
        with self._in_use() as decoder:
            return told(lambda report: library().pixart_decoder_profile(decoder, report))
