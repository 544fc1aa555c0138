"""Embedding to latents: complete runs."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core.arguments import Path, encode_options
from ._core.errors import ArgumentError, Status, reworded
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.stage import Stage
from ._core.tensor import array_of, borrowed_tensor, borrowed_tensors, contiguous, take_array
from ._sampler import Sampler
from .options import DenoiseOptions, DenoiserMemoryOptions, DenoiserOpenOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

_WORDS = {
    "negatives are NULL, expected embeddings": "negative is None; expected an embedding",
    "negative is NULL,": "negative is None;",
    "prompts[": "prompt[",
    "negatives[": "negative[",
    "pixart_sampler_set_control": "control=...",
}
"""Words in C's messages about prompts and control images, and Python's words for them."""


class Denoiser(Stage):
    """The PixArt transformer and the scheduler of a checkpoint. Thread-safe.

    `model` is a folder in the diffusers layout.
    """

    _name = "denoiser"

    def __init__(self, model: Path, *, progress: Progress = None, **options: Unpack[DenoiserOpenOptions]) -> None:
        super().__init__(model, options, progress)

    def denoise(
        self,
        prompt: object,
        negative: object | None = None,
        *,
        noise: object | None = None,
        image_latents: object | None = None,
        mask: object | None = None,
        control: object | None = None,
        progress: Progress = None,
        **options: Unpack[DenoiseOptions],
    ) -> npt.NDArray[np.float32]:
        """Runs the complete denoising loop. Returns latents, float32 [B, C, Y, X].

        `prompt` is an embedding [S, E], or a list of embeddings; the images of the first come first. `negative` is one
        embedding for all prompts, or a list of as many; it is required if guidance_scale > 1. `noise` [B, C, Y, X]
        replaces the seed's noise. `image_latents` and `mask` are as in Sampler.set_image_latents() and set_mask(), and
        need the option `strength`. `control` is as in Sampler.set_control(); a denoiser with a `controlnet` needs it.
        `progress` is True for a bar, or a callable that gets (step, steps, fraction) on this thread many times per step.
        If it returns a true value, the run ends with Cancelled. If it raises, the run ends and this call raises the
        exception.
        """
        strength = options.get("strength")
        if strength is not None and image_latents is None:
            raise ArgumentError(
                f"strength: {strength} without image_latents; expected both or neither", status=Status.ERROR_OPTION
            )
        if any(given is not None for given in (_several(prompt), noise, image_latents, mask, control)):
            with self.sampler(prompt, negative, **options) as sampler:
                if noise is not None:
                    sampler.set_noise(noise)
                if image_latents is not None:
                    sampler.set_image_latents(image_latents)
                if mask is not None:
                    sampler.set_mask(mask)
                if control is not None:
                    sampler.set_control(control)
                return sampler.run(progress=progress)
        encoded, c = encode_options(options), library()
        given, other = contiguous(prompt, "prompt"), None if negative is None else contiguous(negative, "negative")

        def run(callback: Any) -> npt.NDArray[np.float32]:
            with self._borrow() as denoiser, borrowed_tensors([given], "prompt") as (one,):
                with borrowed_tensor(other, "negative") as two, reworded(_WORDS):
                    return take_array(lambda out: c.pixart_denoise(denoiser, one, two, encoded, callback, None, out))

        return with_progress(progress, run)

    def memory(self, **options: Unpack[DenoiserMemoryOptions]) -> dict[str, int]:
        """Reports the memory of a run in bytes, with the keys of Encoder.memory(). Options are `tokens`, and those of
        denoise() that decide the size."""
        return self._memory(options)

    def sampler(self, prompt: object, negative: object | None = None, **options: Unpack[DenoiseOptions]) -> Sampler:
        """Creates a run that the caller advances. Prompts and options are as for denoise(). The sampler stays usable
        after this denoiser is closed."""
        encoded, c = encode_options(options), library()
        several, negatives = _several(prompt), _several(negative)
        if several is not None and not several:
            raise ArgumentError("prompt: an empty list; expected an embedding, or a list of one or more")
        if several is not None and negatives is not None and len(negatives) != len(several):
            raise ArgumentError(f"negative: a list of {len(negatives)} for {len(several)} prompts; expected as many")
        given = [contiguous(each, "prompt") for each in ([prompt] if several is None else several)]
        others = (
            []
            if negative is None
            else [contiguous(each, "negative") for each in ([negative] if negatives is None else negatives)]
        )

        def create(_callback: Any, out: Any) -> None:
            with self._borrow() as denoiser, borrowed_tensors(given, "prompt") as ones, reworded(_WORDS):
                with borrowed_tensors(others, "negative") as twos:
                    if several is None:
                        c.pixart_sampler_create(denoiser, ones[0], twos[0] if twos else None, encoded, out)
                        return
                    count = len(ones)
                    array = c_void_p * count
                    two = array(*(twos if negatives is not None else twos * count)) if twos else None
                    c.pixart_sampler_create_batch(denoiser, count, array(*ones), two, encoded, out)

        return Sampler(create, c.pixart_sampler_release)


def _several(prompts: object) -> Sequence[object] | None:
    """Returns the embeddings of a list. Returns None for a single embedding, also if that is a nested list of
    numbers."""
    if isinstance(prompts, (list, tuple)) and (not prompts or array_of(prompts[0], "prompt").ndim == 2):
        return prompts
    return None
