"""Embedding to latents: a run that the caller advances step by step."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import byref, c_double
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core.arguments import encode_options
from ._core.errors import reworded
from ._core.handle import Handle
from ._core.library import library
from ._core.progress import Progress, with_progress
from ._core.tensor import borrowed_tensor, mask_bytes, take_array
from .options import SamplerPreviewOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Sampler(Handle):
    """One denoising run that the caller advances step by step. Denoiser.sampler() creates it. Used by one thread at a
    time.

    Iterating runs the remaining steps and yields the latents after each.
    """

    _one_at_a_time = True

    @property
    def steps(self) -> int:
        """Number of steps of the run."""
        with self._borrow() as sampler:
            return int(library().pixart_sampler_steps(sampler))

    @property
    def step_index(self) -> int:
        """Number of steps done so far."""
        with self._borrow() as sampler:
            return int(library().pixart_sampler_step_index(sampler))

    @property
    def timesteps(self) -> npt.NDArray[np.float64]:
        """The diffusion timestep that the transformer sees in each step."""
        timesteps = np.empty(self.steps)
        with self._borrow() as sampler:
            for index in range(len(timesteps)):
                value = c_double()
                library().pixart_sampler_timestep(sampler, index, byref(value))
                timesteps[index] = value.value
        return timesteps

    @property
    def latents(self) -> npt.NDArray[np.float32]:
        """The current latents, float32 [B, C, Y, X]: noise before the first step, the result after the last."""
        with self._borrow() as sampler:
            return take_array(lambda out: library().pixart_sampler_latents(sampler, out))

    @property
    def predicted_original(self) -> npt.NDArray[np.float32]:
        """The latents without noise that the last step predicted, float32 [B, C, Y, X]. Not available before the first
        step."""
        with self._borrow() as sampler:
            return take_array(lambda out: library().pixart_sampler_predicted_original(sampler, out))

    def preview(self, **options: Unpack[SamplerPreviewOptions]) -> npt.NDArray[np.uint8]:
        """Makes a small image of the predicted original with a linear map of its latents, uint8 [B, Y, X, 3]. Not
        available before the first step."""
        encoded = encode_options(options)
        with self._borrow() as sampler:
            return take_array(lambda out: library().pixart_sampler_preview(sampler, encoded, out))

    def set_image_latents(self, image_latents: object) -> None:
        """Starts the run from an image: its latents, float32 [1 or B, C, Y, X], from ImageEncoder.encode(). The run
        needs the option `strength`. Call it before the first step."""
        with self._borrow() as sampler, borrowed_tensor(image_latents, "image_latents") as tensor:
            with reworded({"latents": "image_latents"}):
                library().pixart_sampler_set_image_latents(sampler, tensor)

    def set_mask(self, mask: object) -> None:
        """Inpainting: only the masked area is regenerated. `mask` is [H, W] or [1 or B, H, W], in pixels of the run's
        size. It is bool, or integers from 0 to 255; 128 and above is true, and integers of 0 and 1 alone are refused.
        Call it before the first step. The run needs the option `strength`."""
        with self._borrow() as sampler, borrowed_tensor(mask_bytes(mask, "mask"), "mask", np.uint8) as tensor:
            library().pixart_sampler_set_mask(sampler, tensor)

    def set_control(self, control: object) -> None:
        """Guides the run by a control image: its latents, float32 [1 or B, C, Y, X], from ImageEncoder.encode(). The
        denoiser needs the option `controlnet`. Call it before the first step."""
        with self._borrow() as sampler, borrowed_tensor(control, "control") as tensor:
            with reworded({"latents are": "control is", "latents": "control"}):
                library().pixart_sampler_set_control(sampler, tensor)

    def set_noise(self, noise: object) -> None:
        """Uses `noise`, float32 [B, C, Y, X], instead of the seed's noise. Call it before the first step."""
        with self._borrow() as sampler, borrowed_tensor(noise, "noise") as tensor:
            with reworded({"latents": "noise"}):
                library().pixart_sampler_set_noise(sampler, tensor)

    def step(self, *, progress: Progress = None) -> None:
        """Runs one step; `progress` as in Denoiser.denoise(). A cancelled step can be run again from its start."""
        self._advance(1, progress)

    def run(self, *, progress: Progress = None) -> npt.NDArray[np.float32]:
        """Runs the remaining steps and returns the latents."""
        self._advance(self.steps - self.step_index, progress)
        return self.latents

    def _advance(self, steps: int, progress: Progress) -> None:
        def run(callback: Any) -> None:
            with self._borrow() as sampler, reworded({"pixart_sampler_set_control": "set_control()"}):
                for _ in range(steps):
                    library().pixart_sampler_step(sampler, callback, None)

        with_progress(progress, run)

    def _describe(self) -> str:
        with self._lock:
            if self._closed or self._is_called():
                return "of a run" if self._closed else "inside a call"
            return f"after step {self.step_index} of {self.steps}"

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        while self.step_index < self.steps:
            self.step()
            yield self.latents
