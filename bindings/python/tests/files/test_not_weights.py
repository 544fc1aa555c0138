"""Files of other formats in place of weights. The error says what they are and what to do."""

from __future__ import annotations

import io
import pickle
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

import pixart

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2447431856\n"


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x" * 64)
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return buffer.getvalue()


def arrays():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    return buffer.getvalue()


WEIGHTS = {
    "LFS pointer": (LFS, ["Git LFS pointer", "git lfs pull"]),
    "LFS pointer with a mark": (b"\xef\xbb\xbf" + LFS, ["Git LFS pointer"]),
    "web page": (b"<!DOCTYPE html>\n<html><head>", ["web page", "download it again"]),
    "web page in small letters": (b"\n  <!doctype html>", ["web page"]),
    "web page without a type": (b"<HTML lang=en>", ["web page"]),
    "error in JSON": (b'{"error":"Invalid username or password."}', ["error message", "signed in"]),
    "entry not found": (b"Entry not found", ["error message"]),
    "invalid username": (b"Invalid username or password.", ["error message"]),
    "server's error": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", ["XML"]),
    "torch": (zipped("archive/data.pkl"), ["pickle"]),
    "torch before 1.6": (bytes.fromhex("80028a0a6cfc9c46f9206aa85019") + b"." * 50, ["pickle"]),
    "pickle 2": (pickle.dumps({"a": 1}, protocol=2), ["Python pickle"]),
    "pickle 4": (pickle.dumps({"a": 1}, protocol=4), ["Python pickle"]),
    "tar": (tarred(), ["tar archive", "unpack"]),
    "GGUF of a later version": (b"GGUF\x09\0\0\0" + bytes(32), ["version 9 of GGUF"]),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:", ["ONNX"]),
    "OpenVINO": (b'<?xml version="1.0"?>\n<net name="Model0" version="11">', ["OpenVINO"]),
    "npz": (arrays(), ["NumPy"]),
    "ZIP": (zipped("model.safetensors"), ["ZIP archive"]),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(30), ["gzip"]),
    "zeros": (bytes(4096), ["interrupted download"]),
}
TEXTS = ("LFS pointer", "web page", "error in JSON", "invalid username", "server's error")
FILES = {
    "transformer/diffusion_pytorch_model.safetensors": pixart.Denoiser,
    "text_encoder/model.safetensors": pixart.Encoder,
    "vae/diffusion_pytorch_model.safetensors": pixart.Decoder,
}
OTHERS = {
    "transformer/config.json": pixart.Denoiser,
    "scheduler/scheduler_config.json": pixart.Denoiser,
    "tokenizer/spiece.model": pixart.Encoder,
    "vae/config.json": pixart.ImageEncoder,
    "model_index.json": pixart.Decoder,
}


@pytest.fixture
def copy(model, tmp_path):
    return shutil.copytree(model, tmp_path / "m")


def message(kind, model):
    with pytest.raises(pixart.FileError) as failure:
        kind(model)
    return str(failure.value)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_none(copy, name):
    content, texts = WEIGHTS[name]
    for file, kind in FILES.items():
        (copy / file).write_bytes(content)
        found = message(kind, copy)
        assert file in found and all(text in found for text in texts), found


@pytest.mark.parametrize("file", OTHERS)
@pytest.mark.parametrize("name", TEXTS)
def test_other_files_that_are_none(copy, file, name):
    content, texts = WEIGHTS[name]
    (copy / file).write_bytes(content)
    found = message(OTHERS[file], copy)
    assert file in found and all(text in found for text in texts), found


def test_interrupted_downloads(copy):
    for file, kind in FILES.items():
        data = (copy / file).read_bytes()
        (copy / file).write_bytes(data[: len(data) // 2])
        assert "interrupted download" in message(kind, copy)
        (copy / file).unlink()
        (copy / (file + ".incomplete")).write_bytes(data)
        assert "interrupted download" in message(kind, copy)


@pytest.mark.parametrize(
    "name, advice",
    [
        ("model.onnx", "not read"),
        ("openvino_model.xml", "not read"),
        ("flax.msgpack", "not read"),
        ("model.gguf", "is GGUF; name the file itself"),
        ("other.ckpt", "(other.ckpt); name the file itself"),
    ],
)
def test_weights_of_another_form_beside(copy, name, advice):
    for file, kind in FILES.items():
        (copy / file).unlink()
        (copy / file).with_name(name).write_bytes(b"")
        found = message(kind, copy)
        assert name in found and advice in found, found


def test_what_is_no_checkpoint(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    found = message(pixart.Denoiser, "PixArt-alpha/PixArt-XL-2-512x512")
    assert "Hub's cache" in found and str(tmp_path / "hub") in found and "hf download" in found
    assert "address" in message(pixart.Encoder, "https://huggingface.co/PixArt-alpha/PixArt-XL-2-512x512")
    assert "Hub" not in message(pixart.Decoder, tmp_path / "absent")
    for part in ("tokenizer", "scheduler"):
        for kind in (pixart.Encoder, pixart.Denoiser, pixart.Decoder):
            assert part in message(kind, copy / part)
    (tmp_path / "cache" / "snapshots" / "abc").mkdir(parents=True)
    (tmp_path / "cache" / "refs").mkdir()
    assert "snapshots" in message(pixart.Denoiser, tmp_path / "cache")


def test_a_part_by_itself(copy):
    kinds = {"transformer": pixart.Denoiser, "text_encoder": pixart.Encoder, "vae": pixart.Decoder}
    for part, kind in kinds.items():
        with kind(copy / part) as handle:
            assert str(copy / part / "config.json") in handle.report()["files"]
        for other in set(kinds) - {part}:
            assert "expected those of" in message(kind, copy / other) or "no weights" in message(kind, copy / other)
