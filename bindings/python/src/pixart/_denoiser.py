"""Embedding to latents: whole runs, and runs that Python drives step by step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from ctypes import byref, c_double, c_void_p
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import ArgumentError
from ._handle import Handle
from ._library import library
from ._options import Path, encode_options, encode_path, told
from ._progress import Progress, watched
from ._tensor import lent, produced


class Sampler(Handle):
    """One denoising run, advanced step by step; made by Denoiser.sampler(). For one thread at a time.

    Iterating runs the steps that are left, and gives the latents after each.
    """

    _one_at_a_time = True

    @property
    def steps(self) -> int:
        """Number of steps of the run."""
        with self._in_use() as sampler:
            return int(library().pixart_sampler_steps(sampler))

    @property
    def step_index(self) -> int:
        """Number of steps done so far."""
        with self._in_use() as sampler:
            return int(library().pixart_sampler_step_index(sampler))

    @property
    def timesteps(self) -> npt.NDArray[np.float64]:
        """The diffusion timestep that the transformer sees in each step."""
        timesteps = np.empty(self.steps)
        with self._in_use() as sampler:
            for index in range(len(timesteps)):
                value = c_double()
                library().pixart_sampler_timestep(sampler, index, byref(value))
                timesteps[index] = value.value
        return timesteps

    @property
    def latents(self) -> npt.NDArray[np.float32]:
        """The latents as they are now, float32 [B, C, Y, X]: noise before the first step, the result after the last."""
        with self._in_use() as sampler:
            return produced(lambda out: library().pixart_sampler_latents(sampler, out))

    @property
    def estimate(self) -> npt.NDArray[np.float32]:
        """The latents without noise that the last step estimated, float32 [B, C, Y, X]; after the first step only."""
        with self._in_use() as sampler:
            return produced(lambda out: library().pixart_sampler_estimate(sampler, out))

    def preview(self, **options: Any) -> npt.NDArray[np.uint8]:
        """A small picture of the estimate by a linear map of its latents, uint8 [B, Y, X, 3]; after the first step only.
        Options: see `options_schema("sampler_preview")`."""
        encoded = encode_options(options)
        with self._in_use() as sampler:
            return produced(lambda out: library().pixart_sampler_preview(sampler, encoded, out))

    def set_image(self, latents: object) -> None:
        """Starts from a picture: its `latents`, float32 [1 or B, C, Y, X], as ImageEncoder.encode() gives them. For runs
        with the option `strength`, before the first step only."""
        with self._in_use() as sampler, lent(latents, "image") as tensor:
            library().pixart_sampler_set_image(sampler, tensor)

    def set_mask(self, mask: object) -> None:
        """Has only a part of the picture painted anew: `mask` is bool, or uint8 with 128 and above for true, [H, W] or
        [1 or B, H, W], in pixels of the run's size. As set_image()."""
        with self._in_use() as sampler, lent(_bytes(mask), "mask", np.uint8) as tensor:
            library().pixart_sampler_set_mask(sampler, tensor)

    def set_latents(self, latents: object) -> None:
        """Starts from `latents`, float32 [B, C, Y, X], in place of the seed's noise; before the first step only."""
        with self._in_use() as sampler, lent(latents, "latents") as tensor:
            library().pixart_sampler_set_latents(sampler, tensor)

    def step(self, *, progress: Progress = None) -> None:
        """Runs one step; `progress` as in Denoiser.denoise(). A cancelled step can be run again from its start."""
        with self._in_use() as sampler:
            watched(progress, lambda callback: library().pixart_sampler_step(sampler, callback, None))

    def run(self, *, progress: Progress = None) -> npt.NDArray[np.float32]:
        """Runs the steps that are left, and gives the latents."""
        remaining = self.steps - self.step_index
        with self._in_use() as sampler:

            def advance(callback: Any) -> None:
                for _ in range(remaining):
                    library().pixart_sampler_step(sampler, callback, None)

            watched(progress, advance)
        return self.latents

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        while self.step_index < self.steps:
            self.step()
            yield self.latents


class Denoiser(Handle):
    """The diffusion transformer and scheduler of a checkpoint. Any number of threads may use it at once.

    `model` is a folder in the diffusers layout; options are those of `options_schema("denoiser_open")`.
    """

    def __init__(self, model: Path, **options: Any) -> None:
        c = library()
        arguments = encode_path(model), encode_options(options)
        super().__init__(lambda out: c.pixart_denoiser_open(*arguments, out), c.pixart_denoiser_release)

    def denoise(
        self,
        prompt: object,
        negative: object | None = None,
        *,
        latents: object | None = None,
        image: object | None = None,
        mask: object | None = None,
        progress: Progress = None,
        **options: Any,
    ) -> npt.NDArray[np.float32]:
        """Denoises under a prompt: a whole run, float32 [B, C, Y, X].

        `prompt` is an embedding [S, E], or a list of several: the images of each follow those of the one before.
        `negative`, required where guidance_scale > 1, is one for all of them, or a list of as many. `latents`
        [B, C, Y, X] replaces the seed's noise. `image` and `mask` are as in Sampler.set_image() and set_mask(), and go
        with the option `strength`. `progress` is True for a bar (needs tqdm) or a callable that gets
        (step, steps, fraction) on this thread many times a step: a true result ends the run with Cancelled, and what
        it raises ends the run and comes out of this call. Options: see `options_schema("denoise")`.
        """
        if any(given is not None for given in (_several(prompt), latents, image, mask)):
            with self.sampler(prompt, negative, **options) as sampler:
                if latents is not None:
                    sampler.set_latents(latents)
                if image is not None:
                    sampler.set_image(image)
                if mask is not None:
                    sampler.set_mask(mask)
                return sampler.run(progress=progress)
        encoded, c = encode_options(options), library()
        with self._in_use() as denoiser, lent(prompt, "prompt") as positive, lent(negative, "negative") as other:

            def run(out: Any) -> None:
                watched(
                    progress,
                    lambda callback: c.pixart_denoise(denoiser, positive, other, encoded, callback, None, out),
                )

            return produced(run)

    def memory(self, **options: Any) -> dict[str, int]:
        """What a run takes of memory, in bytes: the keys of Encoder.memory(). Options are those of denoise() that decide
        its size, and `tokens`: see `options_schema("denoiser_memory")`."""
        encoded = encode_options(options)
        with self._in_use() as denoiser:
            return told(lambda report: library().pixart_denoiser_memory(denoiser, encoded, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Where the time of runs went since this was opened: as Encoder.profile()."""
        with self._in_use() as denoiser:
            return told(lambda report: library().pixart_denoiser_profile(denoiser, report))

    def sampler(self, prompt: object, negative: object | None = None, **options: Any) -> Sampler:
        """A run of its own that the caller drives; prompts and options as for denoise(). It stays usable when this
        closes."""
        encoded, c = encode_options(options), library()
        several = _several(prompt)
        with self._in_use() as denoiser:
            if several is not None:
                with _several_lent(several, negative) as (positives, others):
                    return Sampler(
                        lambda out: c.pixart_sampler_create_batch(
                            denoiser, len(several), positives, others, encoded, out
                        ),
                        c.pixart_sampler_release,
                    )
            with lent(prompt, "prompt") as positive, lent(negative, "negative") as other:
                return Sampler(
                    lambda out: c.pixart_sampler_create(denoiser, positive, other, encoded, out),
                    c.pixart_sampler_release,
                )


def _several(prompts: object) -> Sequence[object] | None:
    """The embeddings of a list of them; None for a single one, nested lists of numbers included."""
    if isinstance(prompts, (list, tuple)) and (not prompts or np.ndim(prompts[0]) == 2):
        return prompts
    return None


@contextlib.contextmanager
def _several_lent(prompts: Sequence[object], negative: object) -> Iterator[tuple[Any, Any]]:
    """C arrays of prompts and of as many negatives, for the length of a call; None for no negatives."""
    negatives, count = _several(negative), len(prompts)
    if negatives is not None and len(negatives) != count:
        raise ArgumentError(f"there are {len(negatives)} negatives for {count} prompts", status=101)
    with contextlib.ExitStack() as stack:
        array = c_void_p * count
        positives = array(*[stack.enter_context(lent(each, "prompt")) for each in prompts])
        if negatives is not None:
            yield positives, array(*[stack.enter_context(lent(each, "negative")) for each in negatives])
        elif negative is not None:
            yield positives, array(*[stack.enter_context(lent(negative, "negative"))] * count)
        else:
            yield positives, None


def _bytes(mask: object) -> npt.NDArray[Any]:
    """A mask as bytes, 255 for true."""
    array = np.asarray(mask)
    return array.astype(np.uint8) * 255 if array.dtype == np.bool_ else array
