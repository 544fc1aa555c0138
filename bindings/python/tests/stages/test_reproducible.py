"""Results are equal to the bit, whatever the instruction set and the number of threads."""

from __future__ import annotations

import element_types
import numpy as np
import pytest

import pixart

PROMPT = "a cute cat face on a blue background"
SHORT = {"seed": 3, "num_inference_steps": 2, "use_resolution_binning": False}
RUNS = {
    "float32": ({}, {}),
    "int8": ({"compute": "int8"}, {}),
    "int4": ({"weights": "int4"}, {}),
    "bfloat16": ({"compute": "bfloat16"}, {}),
    "noise": ({}, {"scheduler": "EulerAncestralDiscrete"}),
    "noise, int8": ({"compute": "int8"}, {"scheduler": "DPMSolverSDE"}),
    "sigmas": ({}, {"scheduler": {"name": "DPMSolverMultistep", "use_karras_sigmas": True}}),
    "image to image": ({"compute": "int8"}, {"strength": 0.9}),
    "adapter": ({}, {}),
    "adapter, int8": ({"compute": "int8"}, {}),
    "perturbed attention": ({}, {"pag_scale": 3.0}),
    "two images": ({"compute": "int8"}, {"num_images_per_prompt": 2, "seed": [5, 6]}),
}
SETS = ("amx", "avx512_bf16", "avx512_vnni", "avx512", "avx_vnni", "avx2", "portable")


@pytest.fixture(scope="module")
def workers(model) -> list[dict]:
    """Options of opening: numbers of threads, and the reproducible instruction sets of this processor."""

    def runs(name):
        try:
            pixart.Decoder(model, instructions=name, reproducible=True).close()
        except pixart.ArgumentError as error:
            assert "instructions" in str(error)
            return False
        return True

    others = [{"instructions": name, "threads": 2} for name in SETS if runs(name)]
    assert others[-1]["instructions"] == "portable"
    return [{"threads": 1}, {"threads": 3}, {"threads": 8}, *others]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    numbers = np.random.default_rng(1)

    def random(*shape):
        return element_types.Stored("F32", shape, numbers.standard_normal(shape, dtype=np.float32).tobytes())

    module = "transformer.transformer_blocks.2.attn1.to_q."
    path = tmp_path_factory.mktemp("adapter") / "lora.safetensors"
    tensors = {
        module + "lora_A.weight": random(4, 192),
        module + "lora_B.weight": random(192, 4),
    }
    element_types.write_safetensors(path, tensors)
    return path


@pytest.fixture(scope="module")
def image(decoder, latents):
    return decoder.decode(latents)


@pytest.mark.parametrize("name", RUNS)
def test_same_latents(model, workers, adapter, image, name):
    opening, options = RUNS[name]
    found = []
    for worker in workers:
        given = {**opening, **worker, "reproducible": True}
        with pixart.Encoder(model, **given) as encoder:
            prompt, negative = encoder.encode(PROMPT), encoder.encode("")
        if "strength" in options:
            with pixart.ImageEncoder(model, **worker, reproducible=True) as encoder:
                options = {**options, "image_latents": encoder.encode(image)}
        if "adapter" in name:
            given |= {"adapters": [{"path": str(adapter)}], "fuse_adapters": False}
        with pixart.Denoiser(model, **given) as denoiser:
            found.append(denoiser.denoise(prompt, negative, **{**SHORT, **options}))
    for worker, latents in zip(workers, found):
        assert latents.tobytes() == found[0].tobytes(), worker


def test_same_image(model, workers, latents):
    images = []
    for worker in workers:
        with pixart.Decoder(model, **worker, reproducible=True) as decoder:
            images.append(decoder.decode(latents, output_type="float32"))
    for worker, image in zip(workers, images):
        assert image.tobytes() == images[0].tobytes(), worker


def test_refuses_sets_that_differ(model):
    """OpenBLAS adds in an order of its own, and so do instructions for bfloat16."""
    with pytest.raises(pixart.ArgumentError, match='"avx512_bf16"; expected a reproducible one'):
        pixart.Decoder(model, instructions="avx512_bf16", reproducible=True)
