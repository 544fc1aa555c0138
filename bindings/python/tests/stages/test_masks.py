"""Masks of every type: converted or refused."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SMALL

import pixart

HALF = np.zeros((64, 64), bool)
HALF[:, 32:] = True
INTEGERS = [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.int64, np.uint64]


@pytest.fixture(scope="module")
def use(denoiser, image_encoder, prompt, negative):
    """The result of each function that takes a mask."""
    front, back = np.full((64, 64, 3), 200, np.uint8), np.full((64, 64, 3), 20, np.uint8)
    latents = image_encoder.encode(front)
    options = {**SMALL, "height": 64, "width": 64, "strength": 1.0}

    def blended(mask):
        return pixart.blend_images(front, back, mask)

    def denoised(mask):
        return denoiser.denoise(prompt, negative, image_latents=latents, mask=mask, **options)

    def sampled(mask):
        with denoiser.sampler(prompt, negative, **options) as sampler:
            sampler.set_image_latents(latents)
            sampler.set_mask(mask)
            return sampler.run()

    return {"blend": blended, "denoise": denoised, "sampler": sampled}


@pytest.mark.parametrize("function", ["blend", "denoise", "sampler"])
def test_types_that_mean_the_same(use, function):
    expected = use[function](HALF)
    assert not np.array_equal(expected, use[function](~HALF))
    for dtype in (np.uint8, np.int16, np.int64, np.uint64):
        assert np.array_equal(use[function](np.where(HALF, 255, 0).astype(dtype)), expected)
        assert np.array_equal(use[function](np.where(HALF, 128, 1).astype(dtype)), expected)
    nothing = use[function](np.zeros_like(HALF))
    for dtype in (np.uint8, np.int64):
        assert np.array_equal(use[function](np.zeros(HALF.shape, dtype)), nothing)


@pytest.mark.parametrize("function", ["blend", "denoise", "sampler"])
def test_what_is_ambiguous_is_refused(use, function):
    for dtype in INTEGERS:
        for mask in (HALF, np.ones_like(HALF)):
            with pytest.raises(pixart.ArgumentError, match="mask: integers of 0 and 1 alone; expected bool") as failure:
                use[function](mask.astype(dtype))
            assert failure.value.status == 101
    for mask in (np.where(HALF, 256, 0), np.where(HALF, -1, 0), np.where(HALF, 65535, 0).astype(np.uint16)):
        with pytest.raises(pixart.ArgumentError, match="mask: integers of .*; expected bool"):
            use[function](mask)
    for dtype in (np.float16, np.float32, np.float64, np.complex64, object):
        with pytest.raises(TypeError, match="mask: an array of .*; expected bool"):
            use[function](HALF.astype(dtype))


def test_padded_masks(prompt):
    embeds, mask = pixart.to_padded(prompt, 40)
    for dtype in (bool, np.uint8, np.int64, np.float32):
        assert np.array_equal(pixart.from_padded(embeds, mask.astype(dtype)), prompt)
    for wrong in ((1 - mask) * -10000.0, mask * 255, mask * 0.5):
        with pytest.raises(ValueError, match="mask: values other than 0 and 1; expected"):
            pixart.from_padded(embeds, wrong)
