"""Random ControlNets in every form: the network's output against numpy's, and what reports say."""

from __future__ import annotations

import controlnets
import numpy as np
import pytest
from test_forms import SEEDS

import pixart
from reference import Transformer, predicted_original

RUN = {"guidance_scale": 1.0, "height": 32, "width": 48, "num_inference_steps": 1, "use_resolution_binning": False}
LINEAR = {"_class_name": "DDIMScheduler", "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}


def scheduler(timestep):
    """A scheduler whose only step is at `timestep`."""
    return {**LINEAR, "clip_sample": False, "timestep_spacing": "leading", "steps_offset": timestep}


def inputs(case, rng):
    channels = case.network.config["in_channels"]
    noise, control = rng.standard_normal((2, 1, channels, 4, 6)).astype(np.float32)
    rows = int(rng.integers(2, 6))
    prompt = rng.standard_normal((rows, case.network.config["caption_channels"])).astype(np.float32)
    return noise, control, prompt


def expected(case, noise, control, prompt, timestep, scale):
    network = Transformer(case.expected, case.network.config, case.controlnet)
    found = network(noise[0].astype(float), prompt.astype(float), timestep, control[0].astype(float), scale)
    return predicted_original(noise[0], found[: len(noise[0])], timestep)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", controlnets.FORMS)
def test_controlnet(name, seed, tmp_path):
    case = controlnets.make(name, seed, tmp_path)
    rng = np.random.default_rng(seed)
    noise, control, prompt = inputs(case, rng)
    timestep, scale = int(rng.integers(1, 700)), float(rng.choice([0.5, 1, 1.5]))
    options = {**RUN, "scheduler": scheduler(timestep), "noise": noise}
    wanted = expected(case, noise, control, prompt, timestep, scale)
    plain = expected(case, noise, control, prompt, timestep, 0)
    with pixart.Denoiser(case.model, controlnet=str(case.path), threads=1, **case.options) as denoiser:
        found = denoiser.denoise(prompt, control=control, controlnet_conditioning_scale=scale, **options)
        without = denoiser.denoise(prompt, controlnet_conditioning_scale=0, **options)
        assert denoiser.report()["architecture"]["controlnet_num_layers"] == case.copies
    size = np.linalg.norm(wanted)
    assert np.linalg.norm(found[0] - wanted) < 1e-5 * size
    assert np.linalg.norm(without[0] - plain) < 1e-5 * size
    assert np.linalg.norm(wanted - plain) > 1e-3 * size
    part = pixart.inspect(case.path)["parts"]["controlnet"]
    assert (part["form"], part["names"], part["prefix"]) == (case.form, case.names, case.prefix)
    assert part["architecture"]["num_layers"] == case.copies
