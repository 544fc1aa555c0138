"""int8 attention on a trained model."""

from __future__ import annotations

import numpy as np
import pytest

import pixart

PROMPTS = [
    "a red car on a yellow background", "a red apple on red", "a fox on a red background", "a panda on a blue background",
    "a cute cat face on a blue background", "rocket on black", "pizza",
]  # fmt: skip


@pytest.fixture(scope="module")
def in_int8(model):
    with pixart.Denoiser(model, attention="int8") as denoiser:
        yield denoiser


@pytest.mark.parametrize("text", PROMPTS)
def test_images_in_int8_are_within_the_stated_error(encoder, denoiser, in_int8, decoder, text):
    """In float32 otherwise. More than 65 dB would mean that int8 is not used."""
    embeddings = encoder.encode(text), encoder.encode("")
    images = [decoder.decode(each.denoise(*embeddings, seed=1)).astype(float) for each in (denoiser, in_int8)]
    error = np.mean((images[0] - images[1]) ** 2)
    assert 50 <= 10 * np.log10(255**2 / error) <= 65
