"""Random networks in every form that people have on disk: values, results, reports and precisions."""

from __future__ import annotations

import json
import os

import architectures
import forms
import numpy as np
import pytest
import tensor_names
import tokenizers
from element_types import decode, encode, read_safetensors, write_safetensors

import pixart

SEEDS = range(int(os.environ.get("PIXART_FORM_SEEDS", "10")))
TEXTS = ("a cat", "red boots, stars")
STAGES = {
    "text_encoder": [pixart.Encoder],
    "transformer": [pixart.Denoiser],
    "vae": [pixart.Decoder, pixart.ImageEncoder],
}


def kinds(case):
    """What can be opened: one half of an autoencoder may be missing."""
    halves = {pixart.Decoder: "decoder.", pixart.ImageEncoder: "encoder."}
    return [
        kind
        for kind in STAGES[case.network.part]
        if kind not in halves or any(name.startswith(halves[kind]) for name in case.network.tensors)
    ]


def passes(case, path, **options):
    """What each stage makes of fixed inputs."""
    made = []
    random = np.random.default_rng(5)
    for kind in kinds(case):
        with kind(path, threads=1, **options) as stage:
            if kind is pixart.Encoder:
                made += [stage.encode(text) for text in TEXTS]
            elif kind is pixart.Denoiser:
                prompt = random.standard_normal((3, case.network.config["caption_channels"])).astype(np.float32)
                made.append(
                    stage.denoise(
                        prompt,
                        guidance_scale=1.0,
                        height=32,
                        width=16,
                        num_inference_steps=1,
                        seed=1,
                        use_resolution_binning=False,
                    )
                )
            elif kind is pixart.Decoder:
                latents = random.standard_normal((1, case.network.config["latent_channels"], 2, 3))
                made.append(stage.decode(latents.astype(np.float32)))
            else:
                made.append(stage.encode(random.integers(0, 256, (16, 24, 3)).astype(np.uint8), seed=1))
    return made


def check_values(case, out):
    """The converted folder has exactly the expected tensors."""
    network = case.network
    (file,) = (out / network.part).glob("*.safetensors")
    found = read_safetensors(file)
    assert found.keys() == case.expected.keys() | {f"{name}_scale" for name in case.scales}
    for name, expected in case.expected.items():
        stored = found[name]
        if name in case.scales:
            assert stored.type == "I8"
            assert np.array_equal(decode(found[f"{name}_scale"]), case.scales[name]), name
        elif not case.scales:
            assert stored.type == "F32"
        assert stored.shape == expected.shape == network.tensors.get(name, expected).shape, name
        assert decode(stored).tobytes() == np.ascontiguousarray(expected, np.float32).tobytes(), name
    config = json.loads((out / network.part / "config.json").read_text())
    for key, value in network.config.items():
        if key in config or key in network.stated:
            assert config[key] == value, key


def check_inspection(case):
    """What the library says of the file before it is opened."""
    report = pixart.inspect(case.path, **case.options)
    assert list(report["parts"]) == [case.network.part]
    part = report["parts"][case.network.part]
    assert "error" not in part, part
    assert (part["form"], part["names"], part["prefix"]) == (case.form, case.names, case.prefix)
    assert case.types <= part["types"].keys()
    if case.options.get("config"):
        assert not part["assumed"].keys() & case.network.stated
        told = {key: value for key, value in case.options.items() if key != "config"}
        assumed = pixart.inspect(case.path, **told)["parts"][case.network.part]["assumed"]
        assert assumed.keys() >= set(case.network.stated)
    for key, value in part["architecture"].items():
        assert case.network.config.get(key, value) == pytest.approx(value), key
    total = sum(values.size for values in case.network.tensors.values())
    assert part["parameters"] >= total


def check_tokenizer(case, direct, folder):
    """The tokenizer inside of the file, or the one beside it, is the one that was written."""
    if case.vocabulary is None or case.network.part != "text_encoder":
        return
    own = folder / "spiece.model"
    own.write_bytes(tokenizers.spiece(case.vocabulary))
    with pixart.Encoder(case.path, **case.options) as encoder:
        found = [encoder.tokenize(text)["ids"] for text in TEXTS]
    with pixart.Encoder(case.path, tokenizer=str(own), **case.options) as encoder:
        assert [encoder.tokenize(text)["ids"] for text in TEXTS] == found
        for text, rows in zip(TEXTS, direct, strict=True):
            assert np.array_equal(encoder.encode(text), rows)


def check_precisions(case, plain):
    """It opens in every precision, and the result is about the same."""
    if case.network.part == "vae":
        for result in passes(case, case.path, **case.options, weights="bfloat16"):
            assert np.isfinite(result).all()
        return
    for compute in ("int8", "bfloat16"):
        for result, exact in zip(passes(case, case.path, **case.options, compute=compute), plain, strict=True):
            assert result.shape == exact.shape and np.isfinite(result).all()
            assert np.linalg.norm(result - exact) < 0.5 * np.linalg.norm(exact) + 1e-6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", forms.FORMS)
def test_form(name, seed, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "in" / "cache"))
    case = forms.make(name, seed, tmp_path / "in")
    out = tmp_path / "out"
    pixart.convert(case.path, out, weights="int8" if case.scales else "float32", threads=1, **case.options)
    check_values(case, out)
    direct = passes(case, case.path, **case.options)
    converted = passes(case, out)
    for one, other in zip(direct, converted, strict=True):
        assert one.tobytes() == other.tobytes()
    check_inspection(case)
    check_tokenizer(case, direct, tmp_path)
    check_precisions(case, direct)


@pytest.mark.parametrize("seed", SEEDS)
def test_bundle_of_all_parts(seed, tmp_path):
    """One file with three networks under prefixes: each part is found, and opens as it does alone."""
    rng = np.random.default_rng(seed)
    networks = {
        "text_encoder": (architectures.text_encoder(rng), "text_encoders.t5xxl.transformer.", str),
        "transformer": (architectures.transformer(rng), "model.diffusion_model.", None),
        "vae": (architectures.vae(rng), str(rng.choice(["first_stage_model.", "vae."])), tensor_names.latent_diffusion),
    }
    whole, cases = {}, {}
    for part, (network, prefix, rename) in networks.items():
        own = {name: encode(values, "F16") for name, values in network.tensors.items()}
        alone = tmp_path / part / "weights.safetensors"
        write_safetensors(alone, own)
        names = "diffusers"
        if part == "transformer":
            own = {name: encode(values, "F16") for name, values in tensor_names.original(network.tensors).items()}
            names = "original"
        else:
            own = {rename(name): item for name, item in own.items()}
            names = "ldm" if part == "vae" else "diffusers"
        whole |= {prefix + name: item for name, item in own.items()}
        cases[part] = (alone, network, prefix, names)
    path = tmp_path / "all.safetensors"
    write_safetensors(path, whole)
    words = tokenizers.spiece(tokenizers.vocabulary(rng))
    for folder in (tmp_path, tmp_path / "text_encoder"):
        (folder / "spiece.model").write_bytes(words)
    report = pixart.inspect(path)["parts"]
    assert report.keys() == networks.keys()
    for part, (alone, network, prefix, names) in cases.items():
        assert (report[part]["prefix"], report[part]["names"]) == (prefix, names)
        case = forms.Case(path, network, {}, {}, "safetensors", set(), options=forms.given(network))
        for one, other in zip(passes(case, path, **case.options), passes(case, alone, **case.options), strict=True):
            assert one.tobytes() == other.tobytes()
    options = {"weights": "float32", "threads": 1, "config": {}}
    pixart.convert(path, tmp_path / "out", parts=["vae"], **{**options, **forms.given(networks["vae"][0])})
    assert (tmp_path / "out" / "vae" / "config.json").is_file()
