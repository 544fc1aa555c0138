"""Checkpoints in other precisions, and their memory."""

from __future__ import annotations

import json
import pathlib
import shutil

import numpy as np
import pytest
from conftest import SMALL

import pixart

ROOT = pathlib.Path(__file__).resolve().parents[4]
TOKENIZER = ROOT / "Tests/PixArtFormatsTests/Resources/emoji-tokenizer/tokenizer.json"
KEYS = {"weights_resident", "weights_mapped", "activations", "peak"}


def header(path):
    """The tensors of a safetensors file: name -> {dtype, shape, data_offsets}."""
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))


@pytest.fixture(scope="module")
def small(model, tmp_path_factory):
    """The model in int8."""
    out = tmp_path_factory.mktemp("small") / "int8"
    pixart.convert(model, out)
    return out


def test_a_converted_checkpoint_runs(small, prompt, latents):
    with pixart.Encoder(small) as encoder:
        embedding, negative = encoder.encode("a cute cat face on a blue background"), encoder.encode("")
    with pixart.Denoiser(small) as denoiser:
        result = denoiser.denoise(embedding, negative, **SMALL)
    assert embedding.shape == prompt.shape and not np.array_equal(embedding, prompt)
    assert np.linalg.norm(embedding - prompt) < 0.02 * np.linalg.norm(prompt)
    assert np.linalg.norm(result - latents) < 0.2 * np.linalg.norm(latents)
    assert (
        header(small / "transformer" / "diffusion_pytorch_model.safetensors")[
            "transformer_blocks.0.ff.net.0.proj.weight"
        ]["dtype"]
        == "I8"
    )


def test_parts_and_precision(model, tmp_path):
    pixart.convert(str(model), tmp_path / "out", weights="bfloat16", parts=["vae"], threads=1)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model_index.json", "vae"}
    tensors = header(tmp_path / "out" / "vae" / "diffusion_pytorch_model.safetensors")
    assert tensors["decoder.conv_in.weight"]["dtype"] == "BF16"
    with pytest.raises(pixart.ArgumentError, match="parts"):
        pixart.convert(model, tmp_path / "other", parts=["unet"])
    with pytest.raises(pixart.ArgumentError, match="weights"):
        pixart.convert(model, tmp_path / "other", weights="int2")
    with pytest.raises(pixart.ArgumentError, match="parts"):
        pixart.convert(model, tmp_path / "other", parts="vae")
    with pytest.raises(pixart.FileError, match="fp16"):
        pixart.convert(model, tmp_path / "other", variant="fp16")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_conversion_reports_and_is_cancelled(model, tmp_path):
    calls = []
    pixart.convert(model, tmp_path / "out", parts=["transformer"], progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1] and calls[-1][2] == 1.0
    with pytest.raises(pixart.Cancelled):
        pixart.convert(model, tmp_path / "cancelled", progress=lambda step, *_: step == 3)
    with pytest.raises(ZeroDivisionError):
        pixart.convert(model, tmp_path / "cancelled", progress=lambda *_: 1 / 0)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_quantized_checkpoint_is_no_original(small, tmp_path):
    with pytest.raises(pixart.ModelError, match="original") as failure:
        pixart.convert(small, tmp_path / "out", weights="int4")
    assert failure.value.status == 203
    with pytest.raises(pixart.ArgumentError, match="weights"):
        pixart.Encoder(small, weights="float32")


def test_estimates(model, small):
    full, less = pixart.memory_estimate(model, weights="float32"), pixart.memory_estimate(model, weights="int8")
    assert set(full) == KEYS and less["weights_resident"] < full["weights_resident"]
    assert full["peak"] == full["weights_resident"] + full["weights_mapped"] + full["activations"]
    assert pixart.memory_estimate(small)["weights_resident"] < less["weights_resident"]
    assert pixart.memory_estimate(model, "decode", height=512, width=512)["activations"] > 4 * 512 * 512 * 3
    with pytest.raises(pixart.ArgumentError, match="stage"):
        pixart.memory_estimate(model, "paint")


def test_handles_report_their_memory(model, encoder, denoiser, decoder, latents):
    for handle, options, stage in (
        (encoder, {"tokens": 20}, "encode"),
        (denoiser, {"height": 64, "width": 64, "num_images_per_prompt": 2}, "denoise"),
        (decoder, {"height": 64, "width": 64}, "decode"),
        (decoder, {"height": 512, "width": 512, "low_memory": True}, "decode"),
    ):
        memory, estimated = handle.memory(**options), pixart.memory_estimate(model, stage, **options)
        assert set(memory) == KEYS | {"activations_held"}
        assert {key: memory[key] for key in KEYS} == estimated
        with pytest.raises(pixart.ArgumentError, match="bogus"):
            handle.memory(bogus=1)
    assert denoiser.memory()["activations_held"] > 0


def test_a_tokenizer_that_transformers_saved(model, tmp_path):
    """transformers 5 writes tokenizer.json and no spiece.model."""
    texts = ["a red car", "", "  two   spaces, ｆｕｌｌ ½ 猫!!!!!! </s>"]
    with pixart.Encoder(model) as encoder:
        expected = [encoder.encode(text) for text in texts]
    folder = tmp_path / "saved"
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("transformer", "vae", "spiece.model"))
    with pytest.raises(pixart.FileError, match="spiece.model: missing, and so is tokenizer.json"):
        pixart.Encoder(folder)
    shutil.copy(TOKENIZER, folder / "tokenizer")
    pixart.convert(folder, tmp_path / "out", parts=["text_encoder"], weights="float32")
    for place in (folder, tmp_path / "out"):
        with pixart.Encoder(place) as encoder:
            assert all(np.array_equal(encoder.encode(text), rows) for text, rows in zip(texts, expected, strict=True))
    with open(folder / "tokenizer" / "tokenizer.json", "a") as file:
        file.write("}")
    with pytest.raises(pixart.PixArtError, match="tokenizer.json"):
        pixart.Encoder(folder)
    shutil.copy(model / "tokenizer" / "spiece.model", folder / "tokenizer")
    pixart.Encoder(folder).close()  # spiece.model comes first
