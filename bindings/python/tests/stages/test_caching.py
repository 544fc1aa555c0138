"""Runs whose steps take results of earlier ones, compared with diffusers."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from cached_runs import BLOCKS, PROMPT, RUNS, SEEDS, STEPS, schedule
from conftest import SMALL

import pixart

RUN = {"num_inference_steps": STEPS, "num_images_per_prompt": len(SEEDS), "seed": list(SEEDS)}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    return pixart.load_tensors(pathlib.Path(__file__).with_name("cached-latents.safetensors"))


def error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("name", RUNS)
def test_cached_runs_are_those_of_diffusers(encoder, denoiser, negative, golden, name):
    found = denoiser.denoise(encoder.encode(PROMPT), negative, cache=RUNS[name], **RUN)
    assert error(found, golden[name]) < 1e-5
    others = [error(found, golden[other]) for other in RUNS if other != name]
    assert min(others) > 1e-3


def test_a_sampler_takes_the_same_cache(denoiser, prompt, negative):
    for cache in ("half", RUNS["residual"], RUNS["schedule"]):
        expected = denoiser.denoise(prompt, negative, cache=cache, **RUN)
        with denoiser.sampler(prompt, negative, cache=cache, **RUN) as sampler:
            assert np.array_equal(sampler.run(), expected)


def test_memory_of_results(model, denoiser):
    size = {"height": 128, "width": 128}
    plain = denoiser.memory(**size)["activations"]
    residual = denoiser.memory(cache="third", **size)["activations"] - plain
    assert residual == 2 * 64 * 192 * 4
    table = schedule(STEPS, BLOCKS)
    assert denoiser.memory(cache=table, **size)["activations"] - plain == 3 * BLOCKS * residual
    estimate = pixart.memory_estimate(model, cache=table, **size)
    assert estimate["activations"] == denoiser.memory(cache=table, **size)["activations"]


def test_values_that_do_not_fit(denoiser, prompt, negative):
    def refused(cache, message):
        with pytest.raises(pixart.ArgumentError, match=message):
            denoiser.denoise(prompt, negative, cache=cache, **SMALL)

    refused("quarter", '"cache" is "quarter", expected "half", "third"')
    refused({"steps": [4]}, "step 4 .*from 0 to 3 of the run")
    refused({"blocks": [1, 5], "interval": 2}, "block 5 .*from 0 to 4 of the checkpoint")
    refused({"interval": 2, "kind": 1}, 'key "kind"')
    table = schedule(4, BLOCKS)
    refused(schedule(5, BLOCKS), "5 steps .*expected 4")
    refused(schedule(4, 4), "4 blocks .*expected 5")
    del table["schedule"]["002"]["3"]["attn2"]
    refused(table, 'nothing as "attn2" in block 3 of step 2')
