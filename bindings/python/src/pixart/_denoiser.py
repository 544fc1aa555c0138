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
from ._tensor import array_of, contiguous, lent, mask_bytes, produced


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
        """Paints only a part of the image again: `mask` is [H, W] or [1 or B, H, W], in pixels of the run's size. It is
        bool, or integers of 0 to 255 with 128 and above for true; 0 and 1 alone are refused. As set_image()."""
        with self._in_use() as sampler, lent(mask_bytes(mask, "mask"), "mask", np.uint8) as tensor:
            library().pixart_sampler_set_mask(sampler, tensor)

    def set_latents(self, latents: object) -> None:
        """Starts from `latents`, float32 [B, C, Y, X], in place of the seed's noise; before the first step only."""
        with self._in_use() as sampler, lent(latents, "latents") as tensor:
            library().pixart_sampler_set_latents(sampler, tensor)

    def step(self, *, progress: Progress = None) -> None:
        """Runs one step; `progress` as in Denoiser.denoise(). A cancelled step can be run again from its start."""
        self._advance(1, progress)

    def run(self, *, progress: Progress = None) -> npt.NDArray[np.float32]:
        """Runs the steps that are left, and gives the latents."""
        self._advance(self.steps - self.step_index, progress)
        return self.latents

    def _advance(self, steps: int, progress: Progress) -> None:
        def run(callback: Any) -> None:
            with self._in_use() as sampler:
                for _ in range(steps):
                    library().pixart_sampler_step(sampler, callback, None)

        watched(progress, run)

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
        given, other = contiguous(prompt, "prompt"), None if negative is None else contiguous(negative, "negative")

        def run(callback: Any) -> npt.NDArray[np.float32]:
            with self._in_use() as denoiser, lent(given, "prompt") as one, lent(other, "negative") as two:
                return produced(lambda out: c.pixart_denoise(denoiser, one, two, encoded, callback, None, out))

        return watched(progress, run)

    def memory(self, **options: Any) -> dict[str, int]:
        """What a run takes of memory, in bytes: the keys of Encoder.memory(). Options are those of denoise() that decide
        its size, and `tokens`: see `options_schema("denoiser_memory")`."""
        encoded = encode_options(options)
        with self._in_use() as denoiser:
            return told(lambda report: library().pixart_denoiser_memory(denoiser, encoded, report))

    def report(self) -> dict[str, Any]:
        """What this was opened from, and how: as Encoder.report()."""
        with self._in_use() as denoiser:
            return told(lambda report: library().pixart_denoiser_report(denoiser, report))

    def profile(self) -> dict[str, dict[str, float]]:
        """Where the time of runs went since this was opened: as Encoder.profile()."""
        with self._in_use() as denoiser:
            return told(lambda report: library().pixart_denoiser_profile(denoiser, report))

    def sampler(self, prompt: object, negative: object | None = None, **options: Any) -> Sampler:
        """A run of its own that the caller drives; prompts and options as for denoise(). It stays usable when this
        closes."""
        encoded, c = encode_options(options), library()
        several, negatives = _several(prompt), _several(negative)
        given = [contiguous(each, "prompt") for each in ([prompt] if several is None else several)]
        others = None if negative is None else [
            contiguous(each, "negative") for each in ([negative] if negatives is None else negatives)
        ]
        if several is not None and negatives is not None and len(negatives) != len(several):
            raise ArgumentError(f"there are {len(negatives)} negatives for {len(several)} prompts", status=101)

        def create(out: Any) -> None:
            with self._in_use() as denoiser, _all_lent(given, "prompt") as ones, _all_lent(others, "negative") as twos:
                if several is None:
                    c.pixart_sampler_create(denoiser, ones[0], twos and twos[0], encoded, out)
                else:
                    count = len(ones)
                    array = c_void_p * count
                    two = None if twos is None else array(*(twos if negatives is not None else twos * count))
                    c.pixart_sampler_create_batch(denoiser, count, array(*ones), two, encoded, out)

        return Sampler(create, c.pixart_sampler_release)


def _several(prompts: object) -> Sequence[object] | None:
    """The embeddings of a list of them; None for a single one, nested lists of numbers included."""
    if isinstance(prompts, (list, tuple)) and (not prompts or array_of(prompts[0], "prompt").ndim == 2):
        return prompts
    return None


@contextlib.contextmanager
def _all_lent(arrays: Sequence[object] | None, name: str) -> Iterator[Any]:
    """The C tensors of several arrays, for the length of a call; None stays None."""
    with contextlib.ExitStack() as stack:
        yield None if arrays is None else [stack.enter_context(lent(each, name)) for each in arrays]
