"""The three stages in one process, one at a time in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from ._folder import Folder
from ._model import Model
from ._run import Image, Outcome
from ._stages import Decode, Denoise, Encode, Row, new_row

T = TypeVar("T")
ENCODED = 64
"""Prompts whose embeddings are held at a time: at most 2 MiB each (120 tokens), or 5 for PixArt-Sigma (300)."""

WRITTEN = 8
"""Images that are denoised before the decoder opens. As many are lost, at most, if the process is killed."""


def in_one_process(
    model: Model, folder: Folder, images: Sequence[Image], *, alone: bool, batch_size: int = 1
) -> Iterator[Outcome]:
    """Encodes some prompts, then denoises and decodes them a few at a time. Each stage closes before the next opens."""
    batch_size = 1 if alone else batch_size
    encode, denoise, decode = Encode(model, folder), Denoise(model, folder), Decode(model, folder)
    for chunk in _slices(images, max(ENCODED, batch_size)):
        with encode:
            rows = encode([new_row(image.name, image.request.to_json()) for image in chunk])
        for few in _slices(rows, max(WRITTEN, batch_size)):
            with denoise:
                denoised: list[Row] = []
                for batch in _slices(few, batch_size):
                    denoised += denoise(batch)
            with decode:
                for row in denoised:
                    (done,) = decode([row])
                    yield Outcome(done["name"], done["error"])


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
