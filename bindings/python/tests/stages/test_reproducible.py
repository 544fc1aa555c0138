"""Results are equal to the bit, whatever the instruction set and the number of threads."""

from __future__ import annotations

import pytest
from reproducible_runs import RUNS, latents_of, write_adapter

import pixart

SETS = (
    "amx", "avx512_bf16", "avx512_vnni", "avx512", "avx_vnni", "avx2", "neon_bf16", "neon_i8mm", "neon_dotprod", "neon",
    "portable",
)  # fmt: skip


@pytest.fixture(scope="module")
def workers(model) -> list[dict]:
    """Options of opening: numbers of threads, and the reproducible instruction sets of this processor."""

    def runs(name):
        try:
            pixart.Decoder(model, instructions=name, reproducible=True).close()
        except pixart.ArgumentError as error:
            assert "instructions" in str(error)
            return False
        return True

    others = [{"instructions": name, "threads": 2} for name in SETS if runs(name)]
    assert others[-1]["instructions"] == "portable"
    return [{"reproducible": True, **worker} for worker in [{"threads": 1}, {"threads": 3}, {"threads": 8}, *others]]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    path = tmp_path_factory.mktemp("adapter") / "lora.safetensors"
    write_adapter(path)
    return path


@pytest.fixture(scope="module")
def image(decoder, latents):
    return decoder.decode(latents)


@pytest.mark.parametrize("name", RUNS)
def test_same_latents(model, workers, adapter, image, name):
    found = [latents_of(name, model, worker, adapter, image) for worker in workers]
    for worker, latents in zip(workers, found):
        assert latents.tobytes() == found[0].tobytes(), worker


def test_same_image(model, workers, latents):
    images = []
    for worker in workers:
        with pixart.Decoder(model, **worker) as decoder:
            images.append(decoder.decode(latents, output_type="float32"))
    for worker, image in zip(workers, images):
        assert image.tobytes() == images[0].tobytes(), worker


def test_refuses_sets_that_differ(model):
    """OpenBLAS adds in an order of its own, and so do instructions for bfloat16."""
    with pytest.raises(pixart.ArgumentError, match='"avx512_bf16"; expected a reproducible one'):
        pixart.Decoder(model, instructions="avx512_bf16", reproducible=True)
