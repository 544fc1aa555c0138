"""Every published repository opens and is estimated: sparse copies of the true size."""

from __future__ import annotations

import pathlib
import re

import pytest
from sparse_repository import NETWORKS, REPOSITORIES, ROOT, SCHEDULERS, size, tensors, write_repository, write_weights

import pixart
from pixart.cli._published import PIPELINES, SHARED, published_memory, sparse_folder

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
    with sparse_folder() as path:
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


def test_the_memory_that_the_doctor_tells_is_that_of_the_repositories(folder):
    """Of parts of one repository, or of the two that Sigma's come from."""
    told = published_memory()
    assert set(told) == {name for checkpoints in PIPELINES.values() for name in checkpoints}
    for pipeline, checkpoints in PIPELINES.items():
        for name, transformer in checkpoints.items():
            facts = REPOSITORIES[name]["transformer"]
            assert transformer == (facts["network"], facts["config"])
            rest = name if pipeline == "PixArtAlphaPipeline" else "PixArt-alpha/pixart_sigma_sdxlvae_T5_diffusers"
            assert REPOSITORIES[rest]["pipeline"] == pipeline
            assert SHARED == {part: REPOSITORIES[rest][part]["network"] for part in SHARED}
    name = "PixArt-alpha/PixArt-XL-2-1024-MS"
    write_repository(folder, name)
    for preset, found in told[name].items():
        stages = [pixart.memory_estimate(folder, stage, preset=preset)["peak"] for stage in ("denoise", "decode")]
        for residency, peak in found.items():
            encode = pixart.memory_estimate(folder, "encode", preset=preset, residency=residency)["peak"]
            assert peak == max(encode, *stages)
    assert found["streamed"] < found["resident"] < told[name]["exact"]["resident"]


HERE = {"threads": 2, "instructions": "portable"}
"""What the tables of the pages are for. Sets of AVX2 and AVX-512 need as much as "portable"."""


def mebibytes(folder, stage, **options):
    return round(pixart.memory_estimate(folder, stage, **HERE, **options)["peak"] / 2**20)


def test_the_table_of_memory_by_precision(folder):
    """That of docs/getting-started.md."""
    page = (ROOT / "docs" / "getting-started.md").read_text()
    rows = re.findall(r"^\| (PixArt-\S+)? ?\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.M)
    assert [row[1] for row in rows] == ["float32", "bfloat16", "int8", "int4"] * 2
    for name, weights, *told in rows:
        if name:
            model = folder / name
            model.mkdir()
            write_repository(model, f"PixArt-alpha/{name}")
        decoded = {"weights": weights} if weights in ("float32", "bfloat16") else {}
        found = [
            mebibytes(model, "encode", weights=weights),
            mebibytes(model, "encode", weights=weights, residency="streamed"),
            mebibytes(model, "denoise", weights=weights),
            mebibytes(model, "decode", **decoded),
        ]
        assert found == [int(number) for number in told], (model, weights)


def test_the_table_of_memory_by_repository(folder):
    """That of docs/models.md: the largest stage as stored and in int8, of repositories with a denoiser the denoiser."""
    page = (ROOT / "docs" / "models.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| (PixArt-alpha/[\w-]+)[^|]* \| [^|]+ \| (\d+) / (\d+) \|", page, re.M)
    assert {name for name, *_ in rows} | {"PixArt-alpha/PixArt-XL-2-SAM-256x256"} == set(REPOSITORIES)
    for name, stored, converted in rows:
        model = folder / name
        model.mkdir(parents=True)
        write_repository(model, name)
        stage = "denoise" if "transformer" in REPOSITORIES[name] else "encode"
        assert [mebibytes(model, stage), mebibytes(model, stage, weights="int8")] == [int(stored), int(converted)], name


def test_every_fact_has_a_source():
    for repository in REPOSITORIES.values():
        for part, facts in repository.items():
            assert part == "pipeline" or facts["source"]
    assert {facts["scheduler"]["class"] for facts in REPOSITORIES.values() if "scheduler" in facts} == set(SCHEDULERS)
