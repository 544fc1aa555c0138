"""Text to images in one call."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from conftest import SMALL

import pixart
from pixart import _text_to_image

PROMPT = "a cute cat face on a blue background"


def test_the_images_are_those_of_the_three_stages(model, decoder, latents):
    images = pixart.text_to_image(model, PROMPT, **SMALL)
    assert images.dtype == np.uint8 and np.array_equal(images, decoder.decode(latents))


def test_negative_prompt_and_options_make_a_difference(model):
    plain = pixart.text_to_image(model, PROMPT, **SMALL)
    assert np.array_equal(pixart.text_to_image(model, PROMPT, "", **SMALL), plain)
    for other in ({"negative_prompt": "blue"}, {"weights": "int8"}, {"guidance_scale": 1.0}):
        assert not np.array_equal(pixart.text_to_image(model, PROMPT, **other, **SMALL), plain)


def test_many_prompts_size_and_progress(model):
    calls = []
    options = {**SMALL, "progress": lambda *call: calls.append(call)}
    images = pixart.text_to_image(model, [PROMPT, "an owl"], height=64, width=96, **options)
    assert images.shape == (2, 64, 96, 3) and calls[-1] == (4, 4, 1.0)


def test_a_stage_is_closed_before_the_next_opens(model, monkeypatch):
    opened = []

    def watching(kind):
        class Watched(kind):
            def __init__(self, *arguments, **options):
                assert all(repr(handle()).endswith("closed>") for handle in opened if handle())
                super().__init__(*arguments, **options)
                opened.append(weakref.ref(self))

        return Watched

    for name in ("Encoder", "Denoiser", "Decoder"):
        monkeypatch.setattr(_text_to_image, name, watching(getattr(_text_to_image, name)))
    pixart.text_to_image(model, PROMPT, **SMALL)
    gc.collect()
    assert len(opened) == 3 and not any(handle() for handle in opened)


def test_wrong_options_are_errors(model):
    with pytest.raises(pixart.ArgumentError, match="bogus"):
        pixart.text_to_image(model, PROMPT, bogus=1)
    with pytest.raises(pixart.ArgumentError, match="strength: 0.5 without image_latents"):
        pixart.text_to_image(model, PROMPT, strength=0.5)
