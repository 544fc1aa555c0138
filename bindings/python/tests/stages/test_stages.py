"""Arguments and results of the three verbs."""

from __future__ import annotations

import array

import numpy as np
import pytest
from conftest import SMALL

import pixart


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


def test_a_list_of_prompts_becomes_a_list_of_embeddings(encoder):
    embeddings = encoder.encode(["a cute cat", "an owl"], clean_caption=False)
    assert [len(each) for each in embeddings] == [len(encoder.encode(text)) for text in ("a cute cat", "an owl")]
    assert np.array_equal(embeddings[1], encoder.encode("an owl", clean_caption=False)) and encoder.encode([]) == []


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
        with pytest.raises(pixart.StateError) as failure:
            sampler.step()
        assert failure.value.status == 103


def test_sampler_runs_the_rest(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        sampler.step()
        assert np.array_equal(sampler.run(), latents)


def test_given_noise_replaces_that_of_the_seed(denoiser, prompt, negative, latents):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        noise = sampler.latents
    options = {**SMALL, "seed": 99}
    assert np.array_equal(denoiser.denoise(prompt, negative, noise=noise, **options), latents)
    with pytest.raises(pixart.ArgumentError, match="^noise"):
        denoiser.denoise(prompt, negative, noise=noise[:, :, :-1], **options)


def test_noise_cannot_be_set_in_the_middle_of_a_run(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, **SMALL) as sampler:
        sampler.step()
        with pytest.raises(pixart.StateError) as failure:
            sampler.set_noise(sampler.latents)
        assert failure.value.status == 103


def test_any_array_is_taken(denoiser, prompt, negative, latents):
    strided = np.repeat(prompt.astype(np.float64), 2, axis=1)[:, ::2]
    buffer = memoryview(array.array("f", negative.ravel().tolist())).cast("B").cast("f", shape=negative.shape)
    assert not strided.flags.c_contiguous and strided.dtype == np.float64
    assert np.array_equal(denoiser.denoise(ArrayLike(strided), buffer, **SMALL), latents)
    assert np.array_equal(denoiser.denoise(prompt.tolist(), negative, **SMALL), latents)


def test_guidance_of_one_needs_no_negative(denoiser, prompt, negative):
    plain = denoiser.denoise(prompt, guidance_scale=1.0, **SMALL)
    assert np.array_equal(plain, denoiser.denoise(prompt, negative, guidance_scale=1.0, **SMALL))
    with pytest.raises(pixart.ArgumentError, match="negative is None; expected an embedding"):
        denoiser.denoise(prompt, guidance_scale=1.5, **SMALL)


def test_decode_gives_pictures(decoder, latents):
    images = decoder.decode(latents)
    batch, height, width, channels = images.shape
    assert images.dtype == np.uint8 and (batch, channels) == (1, 3)
    assert (height, width) == (8 * latents.shape[2], 8 * latents.shape[3])
    real = decoder.decode(latents, output_type="float32")
    assert real.dtype == np.float32 and real.min() >= 0 and real.max() <= 1
    assert np.array_equal(np.round(real * 255).astype(np.uint8), images)


def test_low_memory_gives_the_same_images(decoder, latents):
    for batch in (latents, np.concatenate([latents[..., :7, :5], -latents[..., 1:, 3:][..., :7, :5]])):
        images = decoder.decode(batch, output_type="float32")
        assert np.array_equal(decoder.decode(batch, output_type="float32", low_memory=True), images)


def test_numpy_scalars_are_options(denoiser, prompt, negative, latents):
    options = {**SMALL, "seed": np.uint64(3), "num_inference_steps": np.int64(4)}
    assert np.array_equal(denoiser.denoise(prompt, negative, **options), latents)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [({}, {"gemm_float32"}), ({"compute": "bfloat16"}, {"gemm_bfloat16", "gemm_float32"})],
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
        (encoder, lambda: encoder.encode("a cat"), "gemm_float32"),
        (decoder, lambda: decoder.decode(latents), "convolution"),
    ):
        before = handle.profile()
        run()
        after = handle.profile()
        assert set(before) == set(after) and after[kind]["seconds"] > before[kind]["seconds"]


SCHEDULERS = [
    choice["title"]
    for choice in pixart.options_schema("denoise")["properties"]["scheduler"]["oneOf"]
    if "title" in choice
]


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_every_scheduler_runs(denoiser, prompt, name, steps):
    options = {"guidance_scale": 1.0, "seed": 3, "num_inference_steps": steps, "height": 64, "width": 64}
    options["use_resolution_binning"] = False
    by_name = denoiser.denoise(prompt, scheduler=name, **options)
    assert np.isfinite(by_name).all()
    assert np.array_equal(denoiser.denoise(prompt, scheduler={"_class_name": name}, **options), by_name)
    assert np.array_equal(
        denoiser.denoise(prompt, scheduler={"name": name.removesuffix("Scheduler")}, **options), by_name
    )
    ends = {
        result: denoiser.denoise(prompt, scheduler=name, result=result, **options)
        for result in ("sample", "predicted_original")
    }
    assert np.array_equal(by_name, ends["predicted_original" if steps == 1 else "sample"])


def test_result_can_be_the_predicted_picture(denoiser, prompt, negative):
    options = {**SMALL, "scheduler": {"final_sigmas_type": "sigma_min"}, "timesteps": [400]}
    sample = denoiser.denoise(prompt, negative, **options, result="sample")
    original = denoiser.denoise(prompt, negative, **options, result="predicted_original")
    assert not np.array_equal(sample, original)
    assert np.array_equal(denoiser.denoise(prompt, negative, **options), original)
    with denoiser.sampler(prompt, negative, **options) as sampler:
        assert list(sampler.timesteps) == [400]


def test_options_reach_the_scheduler(denoiser, prompt, negative):
    def run(**options):
        return denoiser.denoise(prompt, negative, **{**SMALL, **options})

    plain = run(scheduler="DDIM")
    assert not np.array_equal(run(scheduler="DDIM", eta=0.5), plain)
    assert not np.array_equal(run(scheduler="DDIM", eta=0.5), run(scheduler="DDIM", eta=0.6))
    assert not np.array_equal(plain, run())
    euler = run(scheduler="EulerDiscrete")
    assert not np.array_equal(run(scheduler="EulerDiscrete", sigmas=[90.0, 20.0, 5.0, 1.0, 0.0]), euler)
    assert not np.array_equal(run(scheduler="EulerDiscrete", timesteps=[990, 700, 400, 10]), euler)
    assert not np.array_equal(run(timesteps=[990, 700, 400, 10]), run())


def test_given_latents_leave_noise_to_the_steps(denoiser, prompt, negative):
    options = {**SMALL, "scheduler": "EulerAncestralDiscrete"}
    with denoiser.sampler(prompt, negative, **options) as sampler:
        shape = sampler.latents.shape
    latents = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    first = denoiser.denoise(prompt, negative, noise=latents, **options)
    assert np.array_equal(denoiser.denoise(prompt, negative, noise=latents, **options), first)
    assert not np.array_equal(denoiser.denoise(prompt, negative, noise=latents, **{**options, "seed": 4}), first)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"scheduler": "Euler"}, '"scheduler" is "Euler"'),
        ({"scheduler": 3}, '"scheduler" is 3'),
        ({"scheduler": {"name": "DDIM", "clip": 1}}, 'no field "clip"'),
        ({"scheduler": {"name": "DDIM", "clip_sample": 1}}, '"clip_sample" is 1'),
        ({"scheduler": {"name": "DDIM", "_class_name": "DDIM"}}, '"scheduler"'),
        ({"scheduler": "DDIM", "timesteps": [5, 1]}, "DDIMScheduler takes none"),
        ({"timesteps": [1, 5]}, '"timesteps" has 5'),
        ({"timesteps": []}, '"timesteps" is []'),
        ({"scheduler": "EulerDiscrete", "timesteps": [5], "sigmas": [1.0, 0.0]}, "expected one of the two"),
        ({"scheduler": "EulerDiscrete", "sigmas": [1.0]}, '"sigmas"'),
        ({"eta": 1.5}, '"eta" is 1.5'),
        ({"result": "x0"}, '"result" is "x0"'),
        ({"scheduler": {"use_karras_sigmas": True}, "timesteps": [5]}, "use_karras_sigmas"),
        ({"scheduler": "LCM", "num_inference_steps": 60}, "original_inference_steps"),
    ],
)
def test_wrong_scheduler_options_are_named(denoiser, prompt, negative, options, named):
    with pytest.raises(pixart.ArgumentError) as failure:
        denoiser.denoise(prompt, negative, **{**SMALL, **options})
    assert named in str(failure.value)
