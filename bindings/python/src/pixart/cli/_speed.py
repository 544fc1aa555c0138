"""How long an image of PixArt-XL takes on this machine: from a network of two blocks with the real sizes."""

from __future__ import annotations

import json
import pathlib
import tempfile
import time
from typing import Any

import numpy as np

from .._denoiser import Denoiser
from .._tensor_file import save_tensors

BLOCKS, HIDDEN, CAPTION, INNER = 28, 1152, 4096, 4608
MEASURED_BLOCKS = 2
STEPS = 20 + 1
"""Steps of an image. Decoding takes about as long as another one."""

CONFIG = {
    "_class_name": "PixArtTransformer2DModel",
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 72,
    "caption_channels": CAPTION,
    "cross_attention_dim": HIDDEN,
    "in_channels": 4,
    "norm_elementwise_affine": False,
    "norm_eps": 1e-06,
    "norm_type": "ada_norm_single",
    "num_attention_heads": 16,
    "num_embeds_ada_norm": 1000,
    "num_layers": MEASURED_BLOCKS,
    "out_channels": 8,
    "patch_size": 2,
    "sample_size": 64,
}


def picture_seconds(options: dict[str, Any]) -> dict[int, float]:
    """Seconds of an image by its side in pixels. A step takes 14 times as long as one of two blocks, and one at 1024
    pixels about 6 times as long as one at 512."""
    with tempfile.TemporaryDirectory(prefix="pixart-") as folder:
        _write(pathlib.Path(folder))
        random = np.random.default_rng(0)
        prompt, negative = (random.standard_normal((rows, CAPTION), np.float32) for rows in (20, 1))
        with Denoiser(folder, **options) as denoiser:
            with denoiser.sampler(prompt, negative, num_inference_steps=4, use_resolution_binning=False) as sampler:
                times = []
                for _ in range(4):
                    begun = time.perf_counter()
                    sampler.step()
                    times.append(time.perf_counter() - begun)
    step = min(times) * BLOCKS / MEASURED_BLOCKS
    return {px: growth * step * STEPS for px, growth in {512: 1.0, 1024: 6.0}.items()}


def _write(folder: pathlib.Path) -> None:
    """Writes a transformer with random weights."""
    shapes = {
        "pos_embed.proj": (HIDDEN, 4, 2, 2),
        "adaln_single.emb.timestep_embedder.linear_1": (HIDDEN, 256),
        "adaln_single.emb.timestep_embedder.linear_2": (HIDDEN, HIDDEN),
        "adaln_single.linear": (6 * HIDDEN, HIDDEN),
        "caption_projection.linear_1": (HIDDEN, CAPTION),
        "caption_projection.linear_2": (HIDDEN, HIDDEN),
        "proj_out": (32, HIDDEN),
    }
    for block in range(MEASURED_BLOCKS):
        name = f"transformer_blocks.{block}"
        for attention in ("attn1", "attn2"):
            for matrix in ("to_q", "to_k", "to_v", "to_out.0"):
                shapes[f"{name}.{attention}.{matrix}"] = (HIDDEN, HIDDEN)
        shapes[f"{name}.ff.net.0.proj"] = (INNER, HIDDEN)
        shapes[f"{name}.ff.net.2"] = (HIDDEN, INNER)
    random = np.random.default_rng(0)
    tensors = {"scale_shift_table": random.standard_normal((2, HIDDEN), np.float32)}
    for block in range(MEASURED_BLOCKS):
        tensors[f"transformer_blocks.{block}.scale_shift_table"] = random.standard_normal((6, HIDDEN), np.float32)
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = 0.02 * random.standard_normal(shape, np.float32)
        tensors[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    (folder / "transformer").mkdir()
    (folder / "transformer" / "config.json").write_text(json.dumps(CONFIG))
    save_tensors(folder / "transformer" / "diffusion_pytorch_model.safetensors", tensors)
