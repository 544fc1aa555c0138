"""Runs with a ControlNet, which is made of the model's own blocks, and a control image."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import CONTROL_BLOCKS, SMALL

import pixart

RUN = {**SMALL, "height": 64, "width": 64}


@pytest.fixture(scope="module")
def controlled(model, controlnet):
    with pixart.Denoiser(model, controlnet=str(controlnet)) as denoiser:
        yield denoiser


@pytest.fixture(scope="module")
def control(denoiser, negative) -> np.ndarray:
    """Latents of an image."""
    return denoiser.denoise(negative, guidance_scale=1.0, **RUN)


def test_a_control_image_guides_a_run(denoiser, controlled, prompt, negative, control):
    plain = denoiser.denoise(prompt, negative, **RUN)
    result = controlled.denoise(prompt, negative, control=control, **RUN)
    assert not np.array_equal(result, plain)
    with controlled.sampler(prompt, negative, **RUN) as sampler:
        sampler.set_control(control)
        assert np.array_equal(sampler.run(), result)
    weaker = controlled.denoise(prompt, negative, control=control, controlnet_conditioning_scale=0.5, **RUN)
    assert not np.array_equal(weaker, result)
    late = controlled.denoise(prompt, negative, control=control, control_guidance_start=0.5, **RUN)
    assert not np.array_equal(late, result) and not np.array_equal(late, plain)
    assert np.array_equal(controlled.denoise(prompt, negative, controlnet_conditioning_scale=0, **RUN), plain)
    assert controlled.report()["architecture"]["controlnet_num_layers"] == CONTROL_BLOCKS
    assert controlled.memory()["peak"] > denoiser.memory()["peak"]


def test_calls_without_a_control_image_or_a_controlnet(denoiser, controlled, prompt, negative, control):
    with pytest.raises(pixart.StateError, match=r"no control image.*control=\.\.\."):
        controlled.denoise(prompt, negative, **RUN)
    with controlled.sampler(prompt, negative, **RUN) as sampler:
        with pytest.raises(pixart.StateError, match=r"no control image.*with set_control\(\)"):
            sampler.step()
        with pytest.raises(pixart.ArgumentError, match=r"^control is .*expected float32 \[1, "):
            sampler.set_control(control[:, 1:])
        sampler.set_control(control)
        sampler.run()
        with pytest.raises(pixart.StateError, match="before the first step"):
            sampler.set_control(control)
    with pytest.raises(pixart.StateError, match='no ControlNet.*"controlnet"'):
        denoiser.denoise(prompt, negative, control=control, **RUN)
