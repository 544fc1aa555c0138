"""Many prompts in a run, guidance, image-to-image, and previews."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SMALL

import pixart

SHAPE = {"height": 64, "width": 64}
RUN = {**SMALL, **SHAPE}


@pytest.fixture(scope="module")
def other(encoder) -> np.ndarray:
    return encoder.encode("two red apples and a very long green train behind them")


@pytest.fixture(scope="module")
def image(denoiser, other) -> np.ndarray:
    """Latents of an image."""
    return denoiser.denoise(other, guidance_scale=1.0, **RUN)


def close(ours, expected):
    return np.abs(ours - expected).max() <= 2e-5 * np.abs(expected).max()


def test_many_prompts_are_runs_of_their_own(denoiser, prompt, other, negative):
    assert len(prompt) != len(other)
    options = {**RUN, "num_images_per_prompt": 2}
    seeds = [5, 6, 7, 8]
    both = denoiser.denoise([prompt, other], negative, **{**options, "seed": seeds})
    assert both.shape[0] == 4
    for place, seed in enumerate(seeds):
        alone = denoiser.denoise([prompt, other][place // 2], negative, **{**RUN, "seed": seed})
        assert close(both[place : place + 1], alone)
    different = denoiser.denoise((prompt, other), [negative, prompt], **{**options, "seed": seeds})
    assert close(different[:2], both[:2]) and not close(different[2:], both[2:])


def test_lists_of_prompts(denoiser, prompt, negative):
    one = denoiser.denoise([prompt], [negative], **RUN)
    assert np.array_equal(one, denoiser.denoise(prompt, negative, **RUN))
    assert np.array_equal(one, denoiser.denoise([prompt.tolist()], negative.tolist(), **RUN))
    assert len(denoiser.denoise([prompt, prompt], guidance_scale=1.0, **RUN)) == 2
    with denoiser.sampler([prompt, negative], negative, **RUN) as sampler:
        assert sampler.latents.shape[0] == 2
    for prompts, negatives, named in (
        ([], negative, "^prompt: an empty list; expected"),
        ([prompt, prompt], [negative], "^negative: a list of 1 for 2 prompts"),
        ([prompt, prompt[:, 1:]], negative, r"^(?!.*prompts).*prompt\[1\]"),
        ([prompt, prompt], [negative, negative[:, 1:]], r"^(?!.*negatives).*negative\[1\]"),
        ([prompt, prompt], None, "negative is None; expected an embedding"),
    ):
        with pytest.raises(pixart.ArgumentError, match=named) as failure:
            denoiser.denoise(prompts, negatives, **RUN)
        assert failure.value.status == pixart.Status.ERROR_ARGUMENT and "NULL" not in str(failure.value)


def test_guidance_options_change_the_run(denoiser, prompt, negative):
    def run(**options):
        return denoiser.denoise(prompt, negative, **{**RUN, **options})

    plain, unguided = run(), run(guidance_scale=1.0)
    assert np.array_equal(run(guidance_interval=[0, 1]), plain)
    assert np.array_equal(run(guidance_interval=(0.3, 0.3)), unguided)
    half = run(guidance_interval=np.array([0.0, 0.5]))
    assert not np.array_equal(half, plain) and not np.array_equal(half, unguided)
    perturbed = run(pag_scale=2.0)
    assert not np.array_equal(perturbed, plain)
    assert np.array_equal(run(pag_scale=2.0, pag_applied_layers=[1]), perturbed)
    assert not np.array_equal(run(pag_scale=2.0, pag_applied_layers=[0, 1]), perturbed)
    assert not np.array_equal(run(pag_scale=2.0, pag_adaptive_scale=0.003), perturbed)
    assert not np.array_equal(run(pag_scale=2.0, guidance_scale=1.0), unguided)


def test_image_to_image(denoiser, prompt, negative, image):
    with denoiser.sampler(prompt, negative, strength=0.5, **RUN) as sampler:
        assert sampler.steps == 2
        sampler.set_image_latents(image)
        started = sampler.latents
        result = sampler.run()
    assert not np.array_equal(started, image)
    assert np.array_equal(denoiser.denoise(prompt, negative, image_latents=image, strength=0.5, **RUN), result)
    assert not np.array_equal(denoiser.denoise(prompt, negative, image_latents=image, strength=0.75, **RUN), result)
    assert not np.array_equal(
        denoiser.denoise(prompt, negative, image_latents=image * 0.5, strength=0.5, **RUN), result
    )
    noise = np.random.default_rng(0).standard_normal(image.shape).astype(np.float32)
    given = denoiser.denoise(prompt, negative, image_latents=image, noise=noise, strength=0.5, **RUN)
    assert not np.array_equal(given, result)


def test_inpainting(denoiser, prompt, negative, image):
    rows = slice(0, 32)
    mask = np.zeros((64, 64), bool)
    mask[rows] = True
    options = {"image_latents": image, "strength": 1.0, **RUN}
    result = denoiser.denoise(prompt, negative, mask=mask, **options)
    assert np.array_equal(result[:, :, 4:], image[:, :, 4:])
    assert (result[:, :, :4] != image[:, :, :4]).all()
    shades = np.where(mask, 128, 127).astype(np.uint8)
    assert np.array_equal(denoiser.denoise(prompt, negative, mask=shades[None, :, :, None], **options), result)
    everything = denoiser.denoise(prompt, negative, mask=np.ones((64, 64), bool), **options)
    assert np.array_equal(everything, denoiser.denoise(prompt, negative, **RUN))


def test_a_batch_from_pictures(denoiser, prompt, other, negative, image):
    options = {**RUN, "strength": 0.5, "seed": [3, 3]}
    masks = np.stack([np.zeros((64, 64), np.uint8), np.full((64, 64), 255, np.uint8)])
    result = denoiser.denoise([prompt, other], negative, image_latents=image, mask=masks, **options)
    assert np.array_equal(result[:1], image)
    alone = denoiser.denoise(other, negative, image_latents=image, **{**options, "seed": 3})
    assert close(result[1:], alone)


def test_runs_from_pictures_are_refused_out_of_order(denoiser, prompt, negative, image):
    def fails(call, status, named):
        kind = pixart.StateError if status == 103 else pixart.ArgumentError
        with pytest.raises(kind, match=named) as failure:
            call()
        assert failure.value.status == status

    mask = np.ones((64, 64), bool)
    fails(lambda: denoiser.denoise(prompt, negative, strength=0.5, **RUN), 102, "^strength: 0.5 without image_latents")
    fails(lambda: denoiser.denoise(prompt, negative, image_latents=image, **RUN), 103, "strength")
    fails(lambda: denoiser.denoise(prompt, negative, mask=mask, **RUN), 103, "strength")
    fails(lambda: denoiser.denoise(prompt, negative, mask=mask, strength=0.5, **RUN), 102, "without image_latents")
    fails(lambda: denoiser.denoise(prompt, negative, image_latents=image, strength=0.2, **RUN), 102, "strength")
    fails(
        lambda: denoiser.denoise(prompt, negative, image_latents=image[:, :4], strength=0.5, **RUN),
        101,
        "^image_latents",
    )
    fails(
        lambda: denoiser.denoise(prompt, negative, image_latents=image, mask=mask[1:], strength=0.5, **RUN), 101, "mask"
    )
    with pytest.raises(TypeError, match="mask: an array of float64; expected bool"):
        denoiser.denoise(prompt, negative, image_latents=image, mask=mask.astype(float), strength=0.5, **RUN)
    with denoiser.sampler(prompt, negative, strength=0.5, **RUN) as sampler:
        sampler.set_image_latents(image)
        sampler.step()
        fails(lambda: sampler.set_image_latents(image), 103, "first step")
        fails(lambda: sampler.set_mask(mask), 103, "first step")


def test_predicted_originals_and_previews(denoiser, prompt, negative):
    with denoiser.sampler(prompt, negative, result="predicted_original", **RUN) as sampler:
        for look in (lambda: sampler.predicted_original, sampler.preview):
            with pytest.raises(pixart.StateError, match="first step") as failure:
                look()
            assert failure.value.status == 103
        sampler.step()
        predicted, small = sampler.predicted_original, sampler.preview()
        assert predicted.shape == sampler.latents.shape and not np.array_equal(predicted, sampler.latents)
        assert small.dtype == np.uint8 and small.shape == (1, 8, 8, 3)
        factors = np.random.default_rng(1).normal(size=(predicted.shape[1], 3)) * 0.2
        bias = np.array([0.1, -0.2, 0.3])
        colours = np.einsum("bcyx,ck->byxk", predicted.astype(float), factors) + bias
        expected = np.clip(colours / 2 + 0.5, 0, 1) * 255
        mapped = sampler.preview(rgb_factors=factors, rgb_bias=bias)
        assert np.abs(mapped - expected).max() <= 0.501
        assert not np.array_equal(mapped, sampler.preview(rgb_factors=factors))
        with pytest.raises(pixart.ArgumentError, match="rgb_factors"):
            sampler.preview(rgb_factors=factors[:4])
        sampler.run()
        assert np.array_equal(sampler.predicted_original, sampler.latents)


def test_memory_counts_prompts_and_predictions(denoiser):
    plain = denoiser.memory(**SHAPE)["activations"]
    for more in ({"prompts": 2}, {"pag_scale": 1.0}, {"strength": 0.5}, {"num_images_per_prompt": 2}):
        assert denoiser.memory(**SHAPE, **more)["activations"] > plain
    assert denoiser.memory(**SHAPE, guidance_scale=1.0)["activations"] < plain
