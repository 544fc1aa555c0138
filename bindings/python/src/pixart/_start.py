"""What a run starts from besides noise: an image, a mask, a control image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core.errors import ArgumentError
from ._image import blend_images
from ._picture import Picture, mask_of, picture_of, resized

if TYPE_CHECKING:
    from ._image_encoder import ImageEncoder
    from ._sampler import Sampler


class Start:
    """The images that a run takes. `encode` makes them latents, `give` passes them to a run."""

    def __init__(self, image: Picture | None, mask: Picture | None, control: Picture | None) -> None:
        if image is None and mask is not None:
            raise ArgumentError("mask: given without an image to start from; expected both, or the image alone")
        self._image = None if image is None else picture_of(image, "image")
        self._mask = None if mask is None else mask_of(mask, "mask")
        self._control = None if control is None else picture_of(control, "control")
        self._latents: dict[str, npt.NDArray[np.float32]] = {}
        self._run_mask: npt.NDArray[np.uint8] | None = None
        self.settings = {
            name: _named(picture)
            for name, picture in {"image": image, "mask": mask, "control": control}.items()
            if picture is not None
        }

    @property
    def has_image(self) -> bool:
        return self._image is not None

    @property
    def is_needed(self) -> bool:
        return self._image is not None or self._control is not None

    def size(self) -> dict[str, int]:
        """The height and width of the image, as multiples of 16: those of the run if none are given."""
        if self._image is None:
            return {}
        height, width = self._image.shape[:2]
        return {"height": max(16, height // 16 * 16), "width": max(16, width // 16 * 16)}

    def encode(self, encoder: ImageEncoder, height: int, width: int, progress: Any) -> None:
        """Makes latents of the images for a run of this size in pixels."""
        if self._image is not None:
            pixels = resized(self._image, height, width)
            self._latents["image"] = encoder.encode(pixels, sample_mode="argmax", progress=progress)
        if self._control is not None:
            pixels = resized(self._control, height, width)
            self._latents["control"] = encoder.encode(pixels, sample_mode="argmax", progress=progress)
        if self._mask is not None:
            self._run_mask = resized(self._mask, height, width)

    def give(self, sampler: Sampler) -> None:
        if "image" in self._latents:
            sampler.set_image_latents(self._latents["image"])
        if self._run_mask is not None:
            sampler.set_mask(self._run_mask[..., 0])
        if "control" in self._latents:
            sampler.set_control(self._latents["control"])

    def keep_unmasked(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Images with the pixels of the start image outside the mask."""
        if self._mask is None or self._image is None:
            return images
        height, width = images.shape[1:3]
        original, mask = resized(self._image, height, width), resized(self._mask, height, width)
        return blend_images(images, original[np.newaxis], mask)


def _named(picture: Picture) -> object:
    """A picture in the settings: its path, or true if it has none."""
    return os.path.abspath(picture) if isinstance(picture, (str, os.PathLike)) else True
