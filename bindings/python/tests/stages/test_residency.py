"""A denoiser that gives back the pages of a block's weights."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

import pixart

SHORT = {"num_inference_steps": 3, "seed": 5}


def resident(path) -> int:
    """Bytes of a mapped file in this process's memory."""
    total, counts = 0, False
    with open("/proc/self/smaps", encoding="utf-8") as lines:
        for line in lines:
            first = line.split(maxsplit=1)[0]
            if not first.endswith(":"):
                counts = line.rstrip().endswith(str(path))
            elif counts and first == "Rss:":
                total += 1024 * int(line.split()[1])
    return total


@pytest.fixture(scope="module")
def converted(model, tmp_path_factory):
    """The model by the precision that it is stored in."""
    folder = tmp_path_factory.mktemp("converted")
    for precision in ("int8", "int4"):
        pixart.convert(model, folder / precision, weights=precision)
    return {"float32": model, "int8": folder / "int8", "int4": folder / "int4"}


@pytest.mark.parametrize("cache", [None, "half"])
@pytest.mark.parametrize("precision", ["float32", "int8", "int4"])
def test_streamed_gives_the_same_bits(converted, prompt, negative, precision, cache):
    results = []
    for residency in ("resident", "streamed"):
        with pixart.Denoiser(converted[precision], residency=residency) as denoiser:
            results += [denoiser.denoise(prompt, negative, cache=cache, **SHORT) for _ in range(2)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_weights_that_are_converted_at_opening(model, prompt, negative):
    results = []
    for residency in ("resident", "streamed"):
        with pixart.Denoiser(model, weights="int8", residency=residency) as denoiser:
            results.append(denoiser.denoise(prompt, negative, **SHORT))
            memory = denoiser.memory()
    np.testing.assert_array_equal(*results)
    assert memory == {
        **pixart.memory_estimate(model, weights="int8", residency="resident"),
        "activations_held": memory["activations_held"],
    }, "nothing is mapped, so nothing can be dropped"


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_pages_are_given_back(converted, prompt, negative, precision):
    folder = converted[precision]
    (weights,) = (folder / "transformer").glob("*.safetensors")
    held = {}
    for residency in ("resident", "streamed"):
        with pixart.Denoiser(folder, residency=residency) as denoiser:
            estimate = pixart.memory_estimate(folder, residency=residency)
            assert denoiser.memory()["weights_mapped"] == estimate["weights_mapped"]
            with denoiser.sampler(prompt, negative, **SHORT) as sampler:
                sampler.step()
                held[residency] = resident(weights)
            held[f"{residency}, estimated"] = estimate["weights_mapped"]
    assert held["streamed, estimated"] < held["resident, estimated"] / 2
    assert held["streamed"] < held["resident"] - 64 * mmap.PAGESIZE
