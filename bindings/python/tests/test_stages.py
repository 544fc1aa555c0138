"""What the three verbs take and give."""

from __future__ import annotations

import array

import numpy as np
import pixart
import pytest
from conftest import SMALL


class ArrayLike:
    """Offers `__array__` and nothing else, as torch tensors do."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


def test_embedding_has_one_row_for_each_token(encoder):
    report = encoder.tokenize("a cute cat")
    embedding = encoder.encode("a cute cat")
    assert report["ids"][-1] == 1 and report["truncated_tokens"] == 0
    assert embedding.dtype == np.float32 and len(embedding) == len(report["ids"])
    assert np.isfinite(embedding).all() and embedding.std() > 0


def test_options_reach_the_encoder(encoder):
    assert len(encoder.encode("one two three four five", max_sequence_length=3)) == 3
    assert encoder.tokenize("one two three four five", max_sequence_length=3)["truncated_tokens"] > 0


def test_denoise_repeats_itself(denoiser, prompt, negative, latents):
    again = denoiser.denoise(prompt, negative, **SMALL)
    assert latents.ndim == 4 and latents.dtype == np.float32 and np.isfinite(latents).all()
    assert np.array_equal(again, latents)
    assert not np.array_equal(denoiser.denoise(prompt, negative, **{**SMALL, "seed": 4}), latents)


def test_sampler_gives_what_denoise_gives(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        assert (sampler.steps, sampler.step_index) == (4, 0)
        timesteps = sampler.timesteps
        assert len(timesteps) == 4 and (np.diff(timesteps) < 0).all()
        states = [sampler.latents, *sampler]
        assert sampler.step_index == 4 and len(states) == 5
        assert all(not np.array_equal(before, after) for before, after in zip(states, states[1:]))
        assert np.array_equal(states[-1], latents)
        with pytest.raises(pixart.ArgumentError) as failure:
            sampler.step()
        assert failure.value.status == 103


def test_sampler_runs_the_rest(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        sampler.step()
        assert np.array_equal(sampler.run(), latents)


def test_given_latents_replace_the_noise(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        noise = sampler.latents
    options = {**SMALL, "seed": 99}
    assert np.array_equal(denoiser.denoise(prompt, negative, latents=noise, **options), latents)
    with pytest.raises(pixart.ArgumentError):
        denoiser.denoise(prompt, negative, latents=noise[:, :, :-1], **options)


def test_latents_cannot_be_set_in_the_middle_of_a_run(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        sampler.step()
        with pytest.raises(pixart.ArgumentError) as failure:
            sampler.set_latents(sampler.latents)
        assert failure.value.status == 103


def test_any_array_is_taken(denoiser, prompt, negative, latents):
    strided = np.repeat(prompt, 2, axis=1)[:, ::2].astype(np.float64)
    buffer = memoryview(array.array("f", negative.ravel().tolist())).cast("B").cast("f", shape=negative.shape)
    assert not strided.flags.c_contiguous or strided.dtype == np.float64
    assert np.array_equal(denoiser.denoise(ArrayLike(strided), buffer, **SMALL), latents)
    assert np.array_equal(denoiser.denoise(prompt.tolist(), negative, **SMALL), latents)


def test_guidance_of_one_needs_no_negative(denoiser, prompt, negative):
    plain = denoiser.denoise(prompt, guidance_scale=1.0, **SMALL)
    assert np.array_equal(plain, denoiser.denoise(prompt, negative, guidance_scale=1.0, **SMALL))
    with pytest.raises(pixart.ArgumentError):
        denoiser.denoise(prompt, guidance_scale=1.5, **SMALL)


def test_decode_gives_pictures(decoder, latents):
    images = decoder.decode(latents)
    batch, height, width, channels = images.shape
    assert images.dtype == np.uint8 and (batch, channels) == (1, 3)
    assert (height, width) == (8 * latents.shape[2], 8 * latents.shape[3])
    real = decoder.decode(latents, output_type="float32")
    assert real.dtype == np.float32 and real.min() >= 0 and real.max() <= 1
    assert np.array_equal(np.round(real * 255).astype(np.uint8), images)


def test_numpy_scalars_are_options(denoiser, prompt, negative, latents):
    options = {**SMALL, "seed": np.uint64(3), "num_inference_steps": np.int64(4)}
    assert np.array_equal(denoiser.denoise(prompt, negative, **options), latents)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [({}, {"product_float32"}), ({"compute": "bfloat16"}, {"product_bfloat16", "product_float32"})],
)
def test_handles_tell_where_time_goes(model, prompt, negative, options, kinds):
    with pixart.Denoiser(model, **options) as denoiser, pixart.Denoiser(model) as other:
        idle = other.profile()
        before = denoiser.profile()
        denoiser.denoise(prompt, negative, **SMALL)
        after = denoiser.profile()
        assert other.profile() == idle
    grown = {kind for kind in after if after[kind]["operations"] > before[kind]["operations"]}
    assert grown == kinds | {"attention"}
    assert all(after[kind]["seconds"] > before[kind]["seconds"] for kind in grown | {"rows"})


def test_a_profile_is_of_the_stage(encoder, decoder, latents):
    for handle, run, kind in (
        (encoder, lambda: encoder.encode("a cat"), "product_float32"),
        (decoder, lambda: decoder.decode(latents), "convolution"),
    ):
        before = handle.profile()
        run()
        after = handle.profile()
        assert set(before) == set(after) and after[kind]["seconds"] > before[kind]["seconds"]
