"""Prompts to images in one call, and with stages that stay open."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from conftest import SMALL

import pixart
from pixart import _open_stages, _pipeline

PROMPT = "a cute cat face on a blue background"
RUN = {key: value for key, value in SMALL.items() if key != "seed"}


def test_the_images_are_those_of_the_three_stages(model, decoder, latents):
    images = pixart.generate(PROMPT, model=model, **SMALL)
    assert images.dtype == np.uint8 and np.array_equal(images, decoder.decode(latents))


def test_the_model_of_the_package_is_the_default(model):
    expected = pixart.generate(PROMPT, model=model, **SMALL)
    assert np.array_equal(pixart.generate(PROMPT, **SMALL), expected)


def test_negative_prompt_and_options_make_a_difference(model):
    plain = pixart.generate(PROMPT, model=model, **SMALL)
    assert np.array_equal(pixart.generate(PROMPT, "", model=model, **SMALL), plain)
    for other in ({"negative_prompt": "blue"}, {"weights": "int8"}, {"guidance_scale": 1.0}):
        assert not np.array_equal(pixart.generate(PROMPT, model=model, **other, **SMALL), plain)


def test_many_prompts_size_and_progress(model):
    calls = []
    options = {**SMALL, "progress": lambda *call: calls.append(call)}
    images = pixart.generate([PROMPT, "an owl"], model=model, height=64, width=96, **options)
    assert images.shape == (2, 64, 96, 3) and calls[0] == (0, 1, 0.0) and calls[-1] == (4, 4, 1.0)
    fractions = [fraction for _, _, fraction in calls]
    assert fractions == sorted(fractions)


def test_an_image_of_a_batch_is_the_same_as_alone(model):
    with pixart.Pipeline(model) as pipeline:
        together = pipeline.generate([PROMPT, "an owl", "pizza"], ["", "blue", ""], seed=5, batch_size=2, **RUN)
        assert [each["seed"] for each in together.settings] == [5, 6, 7]
        assert np.array_equal(together[1], pipeline.generate("an owl", "blue", seed=6, **RUN)[0])
        assert np.array_equal(together[2], pipeline.generate("pizza", seed=[7], **RUN)[0])
        twice = pipeline.generate([PROMPT, "an owl"], seed=3, num_images_per_prompt=2, **RUN)
        assert [each["prompt"] for each in twice.settings] == [PROMPT, PROMPT, "an owl", "an owl"]
        assert [each["seed"] for each in twice.settings] == [3, 4, 5, 6]


def test_a_seed_is_drawn_and_reported(model):
    with pixart.Pipeline(model) as pipeline:
        first, second = pipeline.generate(PROMPT, **RUN), pipeline.generate(PROMPT, **RUN)
        assert not np.array_equal(first, second)
        assert np.array_equal(pipeline.generate(PROMPT, seed=first.settings[0]["seed"], **RUN), first)


def watch(monkeypatch):
    """References to all stages that are opened, in order, and whether the earlier ones were closed by then."""
    opened, closed = [], []

    def watching(kind):
        class Watched(kind):
            def __init__(self, *arguments, **options):
                closed.append(all(repr(handle()).endswith("closed>") for handle in opened if handle()))
                super().__init__(*arguments, **options)
                opened.append(weakref.ref(self))

        return Watched

    for name in ("Encoder", "Denoiser", "Decoder", "ImageEncoder"):
        watched = watching(getattr(pixart, name))
        for module in (_pipeline, _open_stages):
            monkeypatch.setattr(module, name, watched)
    return opened, closed


def test_generate_closes_a_stage_before_the_next_opens(model, monkeypatch):
    opened, closed = watch(monkeypatch)
    pixart.generate(PROMPT, model=model, image=np.zeros((64, 64, 3), np.uint8), **SMALL)
    gc.collect()
    assert len(opened) == 5 and all(closed) and not any(handle() for handle in opened)


def test_a_pipeline_keeps_its_stages(model, monkeypatch):
    opened, _ = watch(monkeypatch)
    with pixart.Pipeline(model) as pipeline:
        pipeline.generate(PROMPT, **SMALL)
        pipeline.generate("pizza", **SMALL)
        assert len(opened) == 3 and not any(repr(handle()).endswith("closed>") for handle in opened)
    assert all(repr(handle()).endswith("closed>") for handle in opened)
    with pytest.raises(pixart.ClosedError, match="this Pipeline is closed"):
        pipeline.generate(PROMPT, **SMALL)


def test_inpainting_keeps_what_the_mask_leaves(model, tmp_path):
    original = pixart.generate(PROMPT, model=model, height=64, width=64, **SMALL)
    path = original.save(tmp_path / "cat.png")[0]
    mask = np.zeros((64, 64), bool)
    mask[:, 32:] = True
    run = {"model": model, "image": path, "strength": 1.0, **SMALL}
    images = pixart.generate("a fox", mask=mask, **run)
    assert images.shape == (1, 64, 64, 3)
    assert np.array_equal(images[0, :, :32], original[0, :, :32])
    assert not np.array_equal(images[0, :, 32:], original[0, :, 32:])
    assert images.settings[0]["image"] == str(path) and images.settings[0]["mask"] is True
    assert not np.array_equal(pixart.generate("a fox", **run)[0, :, :32], original[0, :, :32])


def test_previews_come_after_each_step(model):
    seen = []
    pixart.generate(PROMPT, model=model, preview=lambda step, images: seen.append((step, images.shape)), **SMALL)
    assert seen == [(step, (1, 16, 16, 3)) for step in (1, 2, 3, 4)]


@pytest.mark.parametrize("at", [0, 6, None])
def test_a_true_progress_cancels_each_stage(model, at):
    calls = []

    def progress(step, steps, fraction):
        calls.append(fraction)
        return len(calls) > at if at is not None else fraction == 1.0

    with pytest.raises(pixart.Cancelled):
        pixart.generate(PROMPT, model=model, progress=progress, **SMALL)


def test_settings_are_in_the_files(model, tmp_path):
    long = "an owl " * 400 + "\u00e9\u4e2d"
    images = pixart.generate([PROMPT, long], model=model, weights="int8", preset="balanced", **SMALL)
    paths = images.save(tmp_path / "owl.png")
    assert [path.name for path in paths] == ["owl-0.png", "owl-1.png"]
    assert images.save(tmp_path / "{index}.png")[1].name == "1.png"
    for path, settings in zip(paths, images.settings):
        assert pixart.read_settings(path) == settings
    settings = pixart.read_settings(paths[1])
    assert settings["prompt"] == long and settings["weights"] == "int8" and settings["preset"] == "balanced"
    assert settings["version"] == pixart.version() and settings["num_inference_steps"] == 4
    assert np.array_equal(pixart.read_image(paths[1]), images[1])


def test_files_without_settings_are_errors(tmp_path):
    plain = tmp_path / "plain.png"
    pixart.write_image(plain, np.zeros((1, 2, 2, 3), np.uint8), text={"pixart": "[1]"})
    with pytest.raises(pixart.FileError, match="plain.png: the text .* is no JSON object"):
        pixart.read_settings(plain)
    pixart.write_image(plain, np.zeros((1, 2, 2, 3), np.uint8))
    with pytest.raises(pixart.FileError, match="plain.png: has no settings"):
        pixart.read_settings(plain)
    plain.write_bytes(plain.read_bytes()[:30])
    with pytest.raises(pixart.FileError, match="plain.png"):
        pixart.read_settings(plain)
    plain.write_text("no picture")
    with pytest.raises(pixart.FileError, match="is no PNG file"):
        pixart.read_settings(plain)


def test_notebooks_show_images():
    two = pixart.Images(np.zeros((2, 4, 4, 3), np.uint8))
    assert two._repr_png_() is None and two._repr_html_().count("<img ") == 2
    one = two[:1]
    assert one._repr_png_().startswith(b"\x89PNG") and one._repr_html_() is None and one.settings == []
    assert (two > 1)._repr_png_() is None and two.mean(axis=3)._repr_html_() is None


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"bogus": 1}, "bogus"),
        ({"strength": 0.5}, "strength: 0.5 without an image"),
        ({"mask": np.zeros((64, 64), bool)}, "mask: given without an image"),
        ({"image": np.zeros((64, 64))}, r"image: an array of float64 \[64, 64\]"),
        ({"negative_prompt": ["a", "b"]}, "negative_prompt: a list of 2 for 1 prompts"),
        ({"seed": [1, 2]}, "seed: .* a list of 1"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"batch_size": "2"}, "batch_size: '2'; expected an integer"),
        ({"num_images_per_prompt": 0}, "num_images_per_prompt: 0; expected"),
        ({"num_images_per_prompt": "2"}, "num_images_per_prompt: '2'; expected"),
        ({"guidance_scale": "high"}, "guidance_scale: 'high'; expected a number"),
        ({"negative_prompt": None}, "negative_prompt: None; expected a text"),
        ({"prompt": []}, "prompt: .* a list of one or more"),
    ],
)
def test_wrong_arguments_are_errors(model, wrong, message):
    with pytest.raises(pixart.ArgumentError, match=message):
        pixart.generate(**{"prompt": PROMPT, "model": model, **wrong})
