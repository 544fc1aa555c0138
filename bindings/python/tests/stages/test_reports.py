"""Reports of what a handle was opened from."""

from __future__ import annotations

import json
import shutil

import pytest

import pixart

KINDS = {
    "text_encoder": pixart.Encoder,
    "transformer": pixart.Denoiser,
    "vae": pixart.Decoder,
}


def add_tensor(path, name):
    """Puts one more float32 number into a safetensors file."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    size = len(data) - end
    header[name] = {"dtype": "F32", "shape": [1], "data_offsets": [size, size + 4]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[end:] + bytes(4))


def weights(folder, part):
    (path,) = (folder / part).glob("*.safetensors")
    return path


def test_files_precision_and_architecture(model, encoder, denoiser, decoder, image_encoder):
    found = {"text_encoder": encoder, "transformer": denoiser, "vae": decoder}
    for part, handle in found.items():
        report = handle.report()
        assert set(report) == {
            "files",
            "precision",
            "kernels",
            "ignored_tensors",
            "adapters",
            "architecture",
            "source",
        }
        assert report["files"][:2] == [f"{model}/{part}/config.json", str(weights(model, part))]
        assert set(report["kernels"]) == {"instructions", "blas"}
        assert set(report["precision"]) == {"stored", "weights", "compute"}
        assert report["precision"]["weights"] == "auto" and report["precision"]["compute"] == "float32"
        config = json.loads((model / part / "config.json").read_text())
        for key, value in report["architecture"].items():
            if config.get(key) is not None:
                assert config[key] == pytest.approx(value)
    assert f"{model}/tokenizer/spiece.model" in encoder.report()["files"]
    assert f"{model}/scheduler/scheduler_config.json" in denoiser.report()["files"]
    assert not denoiser.report()["ignored_tensors"]
    halves = [
        {each["name"].split(".")[0] for each in vae.report()["ignored_tensors"]} for vae in (decoder, image_encoder)
    ]
    assert "encoder" in halves[0] and "decoder" in halves[1] and not halves[0] & halves[1]


def test_precision_as_opened(model):
    with pixart.Denoiser(model, weights="int8") as denoiser:
        assert denoiser.report()["precision"] | {"stored": 0} == {"stored": 0, "weights": "int8", "compute": "int8"}
    with pixart.Decoder(model, weights="bfloat16") as decoder:
        assert decoder.report()["precision"]["weights"] == "bfloat16"


@pytest.mark.parametrize(
    ("part", "name", "reason"),
    [
        ("transformer", "caption_projection.y_embedding", "caption"),
        ("transformer", "mystery", "unexpected_tensors"),
        ("text_encoder", "lm_head.weight", "output layer"),
        ("text_encoder", "mystery", "unexpected_tensors"),
        ("vae", "loss.logvar", "loss"),
    ],
)
def test_ignored_tensors_are_named(model, tmp_path, part, name, reason):
    shutil.copytree(model, tmp_path / "m")
    add_tensor(weights(tmp_path / "m", part), name)
    with KINDS[part](tmp_path / "m", unexpected_tensors="ignore") as handle:
        reasons = {each["name"]: each["reason"] for each in handle.report()["ignored_tensors"]}
    assert reason in reasons[name]
