"""What a batch makes: the images, their names, and the lists beside them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import pixart
from pixart import batch
from pixart._images import read_settings

MIXED = [
    {"prompt": "a cat", "seed": 1},
    {"prompt": "a dog on a green background", "seed": 2, "negative_prompt": "blue"},
    {"prompt": "a cat", "seed": 3, "num_inference_steps": 3},
    {"prompt": "pizza", "seed": 4, "guidance_scale": 1.0},
    {"prompt": "pizza", "seed": 5, "height": 96, "width": 64, "use_resolution_binning": False},
    {"prompt": "ein Käse 🧀", "seed": 2**64 - 1, "scheduler": "EulerAncestralDiscrete"},
]


def test_equal_to_single_images(command, write_lines, model, tmp_path, entries):
    out = tmp_path / "out"
    assert command(write_lines(MIXED), out) == 0
    found = entries(out, "manifest.jsonl")
    assert [entry["line"] for entry in found] == [1, 2, 3, 4, 5, 6]
    for line, entry in zip(MIXED, found):
        assert entry["prompt"] == line["prompt"]
        expected = pixart.generate(**{"model": model, "num_inference_steps": 2, **line})
        assert np.array_equal(pixart.read_image(out / entry["file"]), expected[0])


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (["--preset", "fast", "--num-inference-steps", "12"], {"preset": "fast", "num_inference_steps": 12}),
        (["--weights", "int8"], {"weights": "int8", "num_inference_steps": 2}),
    ],
    ids=["preset", "weights"],
)
def test_flags_are_options(command, write_lines, model, tmp_path, entries, flags, options):
    out = tmp_path / "out"
    assert command(write_lines([{"prompt": "a cat", "seed": 5}]), out, *flags) == 0
    (entry,) = entries(out, "manifest.jsonl")
    expected = pixart.generate("a cat", model=model, seed=5, **options)
    assert np.array_equal(pixart.read_image(out / entry["file"]), expected[0])
    assert not np.array_equal(expected, pixart.generate("a cat", model=model, seed=5, num_inference_steps=2))


@pytest.mark.parametrize("size", ["2", "5", "100"])
def test_same_bytes_in_any_batch(command, write_lines, tmp_path, images, size):
    path = write_lines([*MIXED, *({"prompt": "a cat", "seed": seed} for seed in range(10, 16))])
    assert command(path, tmp_path / "one") == 0
    assert command(path, tmp_path / "many", "--batch-size", size) == 0
    assert images(tmp_path / "one") == images(tmp_path / "many")
    assert len(images(tmp_path / "one")) == 12


def test_equal_lines_are_one_image(command, write_lines, tmp_path, images, entries):
    out = tmp_path / "out"
    lines = [{"prompt": "a cat", "id": "first"}, {"prompt": "a dog"}, {"prompt": "a cat", "seed": 0, "id": "second"}]
    assert command(write_lines(lines), out) == 0
    found = entries(out, "manifest.jsonl")
    assert len(images(out)) == 2
    assert [entry["id"] for entry in found] == ["first", None, "second"]
    assert found[0]["file"] == found[2]["file"] != found[1]["file"]


def test_defaults_that_are_given_change_nothing(command, write_lines, tmp_path, images):
    out = tmp_path / "out"
    path = write_lines([{"prompt": "a cat", "guidance_scale": 4.5, "eta": 0.0, "height": None}, {"prompt": "a cat"}])
    assert command(path, out) == 0
    assert len(images(out)) == 1
    assert command(write_lines([{"prompt": "a cat", "cache": None}]), out) == 0  # a preset may set the cache
    assert len(images(out)) == 2


def test_equal_prompts_are_encoded_once(command, twelve, tmp_path, monkeypatch):
    encoded, encode = [], pixart.Encoder.encode

    def count(self, prompt, **options):
        encoded.append(prompt)
        return encode(self, prompt, **options)

    monkeypatch.setattr(pixart.Encoder, "encode", count)
    assert command(twelve, tmp_path / "out", "--negative-prompt", "blue") == 0
    assert sorted(encoded) == ["a cat", "a dog", "a red apple", "blue", "pizza"]


def test_one_stage_at_a_time(command, twelve, tmp_path, monkeypatch):
    opened = []
    for stage in (pixart.Encoder, pixart.Denoiser, pixart.Decoder):
        opens, closes = stage.__init__, stage.close

        def begin(self, *arguments, opens=opens, **options):
            opens(self, *arguments, **options)
            opened.append(self)
            assert len(opened) == 1

        def end(self, closes=closes):
            closes(self)
            if self in opened:
                opened.remove(self)

        monkeypatch.setattr(stage, "__init__", begin)
        monkeypatch.setattr(stage, "close", end)
    assert command(twelve, tmp_path / "out") == 0
    assert not opened


def test_settings_inside(command, write_lines, model, tmp_path, entries):
    out = tmp_path / "out"
    assert command(write_lines([{"prompt": "ein Käse", "eta": 0.5}]), out, "--seed", "9", "--weights", "int8") == 0
    (entry,) = entries(out, "manifest.jsonl")
    options = {"seed": 9, "eta": 0.5, "num_inference_steps": 2}
    with pixart.Pipeline(model, weights="int8") as pipeline:
        assert [read_settings(out / entry["file"])] == pipeline.settings("ein Käse", **options)
        assert (out / entry["file"]).read_bytes() == pipeline.generate("ein Käse", **options).png()


def test_names(command, write_lines, model, tmp_path, images):
    """A name says what decides the pixels: not the place of the model, but its contents."""
    prompts = write_lines([{"prompt": "a cat"}, {"prompt": "a dog"}])
    shutil.copytree(model, tmp_path / "moved")
    shutil.copytree(model, tmp_path / "other")
    weights = next((tmp_path / "other" / "vae").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)

    def names(*flags):
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        assert command(prompts, out, *flags) == 0
        return set(images(out))

    usual = names()
    assert names("--threads", "1", "--encoder.residency", "streamed", "--model", str(tmp_path / "moved")) == usual
    for flags in (["--model", str(tmp_path / "other")], ["--weights", "int8"], ["--seed", "1", "--eta", "0.5"]):
        assert not names(*flags) & usual


def test_python(twelve, model, tmp_path, images):
    reports = []
    summary = batch.run_batch(
        str(twelve),
        str(tmp_path / "out"),
        batch.in_one_process,
        model=str(model),
        opening={"weights": "int8"},
        defaults={"num_inference_steps": 2},
        report=reports.append,
    )
    assert summary == (12, 0, 12, {})
    assert [report.made for report in reports] == list(range(1, 13))
    assert len(images(tmp_path / "out")) == 12
