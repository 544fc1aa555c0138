"""Every published repository opens and is estimated: sparse copies of the true size."""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest
from sparse_repository import NETWORKS, REPOSITORIES, SCHEDULERS, size, tensors, write_repository, write_weights

import pixart

STAGES = {
    "text_encoder": [("encode", pixart.Encoder)],
    "transformer": [("denoise", pixart.Denoiser)],
    "vae": [("decode", pixart.Decoder), ("image_encode", pixart.ImageEncoder)],
}
UNUSED = {
    "decode": ("encoder.", "quant_conv."),
    "image_encode": ("decoder.", "post_quant_conv."),
    "denoise": ("caption_projection.y_embedding",),
    "encode": (),
}
"""The tensors of its part that a stage does not use."""


def used_bytes(network, stage, type):
    return sum(size(shape, type) for name, shape in tensors(network).items() if not name.startswith(UNUSED[stage]))


@pytest.fixture
def folder():
    """A folder in memory if the system has one, because a file system on disk reads ahead into the holes."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as path:
        yield pathlib.Path(path)


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_published_repository_opens(name, folder):
    sizes = write_repository(folder, name)
    for part, stages in STAGES.items():
        facts = REPOSITORIES[name].get(part)
        for stage, kind in stages:
            if facts is None:
                with pytest.raises(pixart.FileError, match=part):
                    kind(folder)
                continue
            for variant in [None, *facts.get("variants", [])]:
                kind(folder, variant=variant).close()
                report = pixart.memory_estimate(folder, stage, variant=variant)
                # Biases and norms are converted to float32. Everything else is memory-mapped as it is stored.
                expected = used_bytes(facts["network"], stage, "F16" if variant else "F32")
                found = report["weights_mapped"] + report["weights_resident"]
                assert expected <= found < expected * 1.001, (stage, variant)
        if facts and "bytes" in facts:
            assert sizes[part] == [facts["bytes"]]
        if facts and "gigabytes" in facts:
            assert [round(size / 1e9, 2) for size in sizes[part]] == facts["gigabytes"]
        for variant, count in (facts or {}).get("variants", {}).items():
            assert len(sizes[f"{part}.{variant}"]) == count
    scheduler = REPOSITORIES[name].get("scheduler", {})
    if "bytes" in scheduler:
        assert (folder / "scheduler" / "scheduler_config.json").stat().st_size == scheduler["bytes"]


def test_a_file_with_one_tensor_less_or_more_is_noticed(folder):
    """The sparse copies are read: a name that is missing or foreign in them is an error."""
    name = "PixArt-alpha/PixArt-XL-2-256x256"
    write_repository(folder, name)
    rows = NETWORKS["transformer-alpha"]["tensors"]
    for change, message in [
        ([row for row in rows if row[0] != "proj_out.bias"], "proj_out.bias"),
        ([*rows, ["transformer_blocks.#.attn1.q_norm.weight", 28, [72]]], "normalizes queries"),
        ([*rows, ["mystery", 1, [1]]], "unexpected_tensors"),
    ]:
        NETWORKS["changed"] = {"tensors": change}
        write_weights(folder / "transformer", "transformer", "changed", "F32")
        with pytest.raises(pixart.ModelError, match=message):
            pixart.Denoiser(folder)
    pixart.Denoiser(folder, unexpected_tensors="ignore").close()


def test_every_fact_has_a_source():
    for repository in REPOSITORIES.values():
        for part, facts in repository.items():
            assert part == "pipeline" or facts["source"]
    assert {facts["scheduler"]["class"] for facts in REPOSITORIES.values() if "scheduler" in facts} == set(SCHEDULERS)
