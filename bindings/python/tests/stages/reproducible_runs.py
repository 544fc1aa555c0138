"""The runs of test_reproducible.py, which Tests/arm repeats on arm64."""

from __future__ import annotations

import pathlib
from typing import Any

import element_types
import numpy as np

import pixart

PROMPT = "a cute cat face on a blue background"
SHORT: dict[str, Any] = {"seed": 3, "num_inference_steps": 2, "use_resolution_binning": False}
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
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
    "cache": ({}, {"num_inference_steps": 4, "cache": "half"}),
    "cache, int8": ({"compute": "int8"}, {"num_inference_steps": 4, "cache": "half"}),
}
"""Options of opening and of a run, by name."""


def write_adapter(path: pathlib.Path) -> None:
    numbers = np.random.default_rng(1)

    def random(*shape):
        return element_types.Stored("F32", shape, numbers.standard_normal(shape, dtype=np.float32).tobytes())

    module = "transformer.transformer_blocks.2.attn1.to_q."
    element_types.write_safetensors(
        path, {module + "lora_A.weight": random(4, 192), module + "lora_B.weight": random(192, 4)}
    )


def opening_options(name: str, worker: dict[str, Any], adapter: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of opening the encoder and the denoiser of a run. `worker` has options of all handles."""
    encoder = {**RUNS[name][0], **worker}
    adapted = {"adapters": [{"path": str(adapter)}], "fuse_adapters": False} if "adapter" in name else {}
    return encoder, {**encoder, **adapted}


def latents_of(name: str, model: pathlib.Path, worker: dict[str, Any], adapter: pathlib.Path, image: np.ndarray):
    """The latents of a run. An image-to-image run starts from `image`."""
    for_encoder, for_denoiser = opening_options(name, worker, adapter)
    options = {**SHORT, **RUNS[name][1]}
    with pixart.Encoder(model, **for_encoder) as encoder:
        prompt, negative = encoder.encode(PROMPT), encoder.encode("")
    if "strength" in options:
        with pixart.ImageEncoder(model, **worker) as encoder:
            options["image_latents"] = encoder.encode(image)
    with pixart.Denoiser(model, **for_denoiser) as denoiser:
        return denoiser.denoise(prompt, negative, **options)
