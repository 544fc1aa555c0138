"""Runs with a ControlNet, which is made of the model's own blocks, and a control image."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import SMALL

import pixart

RUN = {**SMALL, "height": 64, "width": 64}
COPIES = 2


@pytest.fixture(scope="module")
def controlnet(model, tmp_path_factory):
    """The folder of an adapter of diffusers."""
    weights = pixart.load_tensors(model / "transformer" / "diffusion_pytorch_model.safetensors")
    width = len(weights["pos_embed.proj.bias"])
    tensors = {}
    for copy in range(COPIES):
        for name, values in weights.items():
            block = f"transformer_blocks.{copy}."
            if name.startswith(block):
                tensors[f"controlnet_blocks.{copy}.transformer_block.{name[len(block) :]}"] = values
        for layer in ("before_proj", "after_proj")[copy > 0 :]:
            tensors[f"controlnet_blocks.{copy}.{layer}.weight"] = np.eye(width, dtype=np.float32) / 4
            tensors[f"controlnet_blocks.{copy}.{layer}.bias"] = np.zeros(width, np.float32)
    folder = tmp_path_factory.mktemp("controlnet")
    pixart.save_tensors(folder / "diffusion_pytorch_model.safetensors", tensors)
    config = {"_class_name": "PixArtControlNetAdapterModel", "num_layers": COPIES}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


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
    assert controlled.report()["architecture"]["controlnet_num_layers"] == COPIES
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
