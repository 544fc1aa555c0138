"""Runs over some prompts with a cache, and how far their images are from those without."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

import pixart

GALLERY = (
    "a cute cat face on a blue background",
    "a red car on a yellow background",
    "rocket on black",
    "pizza",
    "a fox on a red background",
    "a panda on a blue background",
)
"""The prompts of docs/gallery.md and docs/precision.md."""

UNSURE = "a red apple on red"
"""A prompt of the gallery at which small changes decide between two images: see docs/gallery.md."""

Cache = str | Mapping[str, Any] | None


class Runs:
    """The images of one run for each prompt and seed, all in one batch."""

    def __init__(
        self,
        model: pathlib.Path,
        prompts: Sequence[str],
        seeds: Sequence[int],
        steps: int,
        guidance: float,
        opening: Mapping[str, Any],
        **options: Any,
    ) -> None:
        with pixart.Encoder(model) as encoder:
            self.prompts = [encoder.encode(prompt) for prompt in prompts for _ in seeds]
            self.negative = encoder.encode("")
        self.options = {"seed": [seed for _ in prompts for seed in seeds], "guidance_scale": guidance, **options}
        self.steps = steps
        self.denoiser, self.decoder = pixart.Denoiser(model, **opening), pixart.Decoder(model)
        self.blocks = int(self.denoiser.report()["architecture"]["num_layers"])
        self.full = self.images(None)

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.denoiser.close()
        self.decoder.close()

    def images(self, cache: Cache, steps: int | None = None) -> np.ndarray:
        """float32 [B, H, W, 3] in 0 ... 1."""
        latents = self.denoiser.denoise(
            self.prompts, self.negative, cache=cache, num_inference_steps=steps or self.steps, **self.options
        )
        return self.decoder.decode(latents, output_type="float32")

    def distances(self, cache: Cache, steps: int | None = None) -> np.ndarray:
        """The PSNR of each image to that of the whole run, in dB."""
        error = np.mean((self.images(cache, steps).astype(np.float64) - self.full) ** 2, axis=(1, 2, 3))
        return -10 * np.log10(np.maximum(error, 1e-12))
