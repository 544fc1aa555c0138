"""Presets: several options by one name."""

from __future__ import annotations

import numpy as np
import pytest

import pixart

PROMPT = "a cute cat face on a blue background"
RUN = {"seed": 7, "num_inference_steps": 15}
SPELLED = {
    "exact": ({"compute": "float32"}, {"cache": None}),
    "balanced": ({"compute": "int8", "weights": "int8"}, {"cache": "half"}),
    "fast": ({"compute": "int8", "weights": "int8", "attention": "int8"}, {"cache": "third"}),
}


def latents(model, prompt, negative, opening=None, **run):
    with pixart.Denoiser(model, **(opening or {})) as denoiser:
        return denoiser.denoise(prompt, negative, **{**RUN, **run})


@pytest.fixture(scope="module")
def by_preset(model, prompt, negative):
    return {name: latents(model, prompt, negative, {"preset": name}, preset=name) for name in SPELLED}


@pytest.mark.parametrize("preset", SPELLED)
def test_a_preset_equals_its_options(model, prompt, negative, by_preset, preset):
    opening, run = SPELLED[preset]
    np.testing.assert_array_equal(by_preset[preset], latents(model, prompt, negative, opening, **run))


def test_presets_differ(by_preset):
    for first, second in [("exact", "balanced"), ("exact", "fast"), ("balanced", "fast")]:
        assert not np.array_equal(by_preset[first], by_preset[second])


def test_exact_is_the_default(model, prompt, negative, by_preset):
    np.testing.assert_array_equal(by_preset["exact"], latents(model, prompt, negative))


@pytest.mark.parametrize("preset", SPELLED)
def test_encoders(model, preset):
    opening = {key: value for key, value in SPELLED[preset][0].items() if key != "attention"}
    results = []
    for options in ({"preset": preset}, opening):
        with pixart.Encoder(model, **options) as encoder:
            results.append(encoder.encode(PROMPT))
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("preset", SPELLED)
def test_autoencoders_are_as_ever(model, decoder, image_encoder, by_preset, preset):
    images = decoder.decode(by_preset["exact"])
    with pixart.Decoder(model, preset=preset) as other:
        np.testing.assert_array_equal(other.decode(by_preset["exact"], preset=preset), images)
    with pixart.ImageEncoder(model, preset=preset) as other:
        np.testing.assert_array_equal(other.encode(images, preset=preset), image_encoder.encode(images))


def test_given_options_win(model, denoiser, prompt, negative, by_preset):
    plain = denoiser.denoise(prompt, negative, **RUN)
    cached = denoiser.denoise(prompt, negative, cache="third", **RUN)
    assert not np.array_equal(cached, plain)
    for given, expected in [({"cache": None}, plain), ({"cache": "third"}, cached)]:
        result = denoiser.denoise(prompt, negative, preset="balanced", **given, **RUN)
        np.testing.assert_array_equal(result, expected)
    opening = {"preset": "fast", "compute": "float32"}
    np.testing.assert_array_equal(latents(model, prompt, negative, opening), plain)


def test_weights_that_are_given_decide(model, prompt, negative):
    for weights in ("bfloat16", "int4"):
        results = [
            latents(model, prompt, negative, {"weights": weights, **more}) for more in ({}, {"preset": "balanced"})
        ]
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("steps", [1, 4, 9, 10])
def test_short_runs_reuse_nothing(denoiser, prompt, negative, steps):
    run = {"seed": 2, "num_inference_steps": steps}
    plain = denoiser.denoise(prompt, negative, **run)
    fast = denoiser.denoise(prompt, negative, preset="fast", **run)
    assert np.array_equal(fast, plain) == (steps < 10)
    # The same without a preset, and a cache that is given by name is obeyed.
    spelled = denoiser.denoise(prompt, negative, cache={"preset": "third", "minimum_steps": 10}, **run)
    np.testing.assert_array_equal(spelled, fast)
    named = denoiser.denoise(prompt, negative, cache="third", **run)
    assert np.array_equal(named, plain) == (steps == 1)


def test_steps_of_a_run_from_an_image_count(denoiser, prompt, negative, latents):
    """Of 20 steps, a strength of 0.4 does 8, and one of 0.5 does 10."""
    for strength, same in [(0.4, True), (0.5, False)]:
        results = []
        for preset in (None, "fast"):
            options = {"seed": 2, "num_inference_steps": 20, "strength": strength, "preset": preset}
            results.append(denoiser.denoise(prompt, negative, image_latents=latents, **options))
        assert np.array_equal(*results) == same


@pytest.mark.parametrize("preset", SPELLED)
def test_estimates_follow(model, preset):
    opening, run = SPELLED[preset]
    with pixart.Denoiser(model, preset=preset) as denoiser:
        memory = denoiser.memory(preset=preset)
        assert {**memory, "activations_held": 0} == {**denoiser.memory(**run), "activations_held": 0}
    estimate = pixart.memory_estimate(model, preset=preset)
    assert estimate == pixart.memory_estimate(model, **opening, **run)
    assert estimate == {key: value for key, value in memory.items() if key != "activations_held"}
    for stage in ("decode", "image_encode"):
        assert pixart.memory_estimate(model, stage, preset=preset) == pixart.memory_estimate(model, stage)


def test_unknown_names_are_refused(model, denoiser, prompt, negative):
    for call in (
        lambda: pixart.Denoiser(model, preset="quick"),
        lambda: pixart.Decoder(model, preset="quick"),
        lambda: denoiser.denoise(prompt, negative, preset="quick"),
        lambda: pixart.memory_estimate(model, preset="quick"),
    ):
        with pytest.raises(pixart.PixArtError, match='"preset" is "quick", expected "exact" or "balanced" or "fast"'):
            call()


def test_the_schema_shows_what_a_preset_sets():
    schema = pixart.options_schema("denoise")
    assert schema["properties"]["preset"]["enum"] == ["exact", "balanced", "fast", None]
    assert schema["presets"]["exact"] == {"cache": None}
    assert pixart.options_schema("denoiser_open")["presets"]["balanced"] == {"compute": "int8"}
    assert pixart.options_schema("decode")["presets"] == {"exact": {}, "balanced": {}, "fast": {}}
    assert "presets" not in pixart.options_schema("convert")


def test_generate_passes_the_preset_to_every_stage(model):
    images = pixart.generate(PROMPT, model=model, preset="balanced", **RUN)
    with pixart.Encoder(model, preset="balanced") as encoder:
        prompt, negative = encoder.encode(PROMPT), encoder.encode("")
    result = latents(model, prompt, negative, {"preset": "balanced"}, preset="balanced")
    with pixart.Decoder(model) as decoder:
        np.testing.assert_array_equal(images, decoder.decode(result))
