"""Compares the encoding of images, and tiny autoencoders in both directions."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img import retrieve_latents
from PIL import Image
from safetensors.torch import save_file

import pixart

from .cases import MODELS as OTHERS
from .diffusers_side import load, seeded
from .measures import BOUND, Row, Table
from .random_checkpoint import METADATA, weights, write_checkpoint, write_json

NAME = "images"
TAESD: dict[str, Any] = {}
"""The published tiny autoencoder has the class's own defaults."""


@dataclass(frozen=True)
class Encoding:
    """One call of pixart_image_encode()."""

    height: int = 64
    width: int = 64
    images: int = 1
    sample_mode: str = "sample"
    seed: int | tuple[int, ...] = 0
    resized_from: tuple[int, int] | None = None
    resize_mode: str = "default"

    def __str__(self) -> str:
        seed = "+".join(map(str, self.seed)) if isinstance(self.seed, tuple) else self.seed
        images = f", {self.images} images" if self.images > 1 else ""
        mode = self.sample_mode if self.sample_mode == "argmax" else f"seed {seed}"
        source = f", {self.resize_mode} from {'x'.join(map(str, self.resized_from))}" if self.resized_from else ""
        return f"encode {self.height}x{self.width}, {mode}{images}{source}"


SIZES = (
    Encoding(),
    Encoding(sample_mode="argmax"),
    Encoding(8, 8, seed=2**64 - 1),
    Encoding(72, 40, seed=7),
    Encoding(24, 200, images=2, seed=3),
    Encoding(136, 88, images=3, seed=(5, 6, 2**63)),
    Encoding(104, 56, images=2, sample_mode="argmax"),
    Encoding(64, 96, seed=1, resized_from=(111, 75)),
    Encoding(64, 96, seed=1, resized_from=(50, 200), resize_mode="crop"),
)
FEW = (Encoding(72, 40), Encoding(64, 64, images=2, sample_mode="argmax"))


@dataclass(frozen=True)
class Model:
    """A VAE: how its checkpoint differs from the tiny one, and what it encodes."""

    name: str
    checkpoint: dict[str, Any] = field(default_factory=dict)
    runs: tuple[Encoding, ...] = FEW


MODELS = (
    Model("VAE", runs=SIZES),
    Model("VAE of 8 latent channels", {"vae": {"latent_channels": 8}}),
    Model("VAE of 3 latent channels", {"vae": {"latent_channels": 3}}, (Encoding(8, 16), *FEW)),
    Model("VAE without mid attention", {"vae": {"mid_block_add_attention": False}}),
    Model("VAE with old attention names", {"old_attention_names": True}),
    Model(
        "VAE of three levels, two layers each", next(m.checkpoint for m in OTHERS if m.name == "VAE of three levels")
    ),
    Model("VAE of 8 groups", {"vae": {"block_out_channels": [16, 32, 48, 64], "norm_num_groups": 8}}),
    Model("VAE without quantizing convolutions", {"vae": {"use_quant_conv": False, "use_post_quant_conv": False}}),
    Model("VAE, float16 weights", {"dtype": "float16"}),
    Model("VAE, bfloat16 weights", {"dtype": "bfloat16"}),
)

TINY = {
    "tiny autoencoder": {
        "encoder_block_out_channels": [16] * 4,
        "decoder_block_out_channels": [16] * 4,
        "num_encoder_blocks": [1, 1, 2, 1],
        "num_decoder_blocks": [2, 1, 1, 1],
    },
    "tiny autoencoder, scaled, 8 latent channels": {
        "encoder_block_out_channels": [24] * 4,
        "decoder_block_out_channels": [40] * 4,
        "latent_channels": 8,
        "scaling_factor": 0.5,
    },
    "TAESD": TAESD,
}


def compare_images(work: pathlib.Path, table: Table) -> None:
    """Adds a row for each encoding, and for each tiny autoencoder's decoding."""
    for model in MODELS:
        folder = work / re.sub(r"\W+", "-", f"{NAME}-{model.name}")
        write_checkpoint(folder, transformer=None, text=None, **model.checkpoint)
        vae = load(AutoencoderKL, folder / "vae")
        with pixart.ImageEncoder(folder) as encoder:
            for run in model.runs:
                table.add(compare_encoding(Row(model.name, str(run)), run, vae, encoder))
    for name, config in TINY.items():
        folder = work / re.sub(r"\W+", "-", f"{NAME}-{name}")
        write_tiny(folder, config)
        compare_tiny(name, folder, table)


def write_tiny(folder: pathlib.Path, changes: dict[str, Any]) -> None:
    """A checkpoint that has a random tiny autoencoder, and nothing else."""
    with torch.device("meta"):
        module = AutoencoderTiny(**changes)
    config = {key: value for key, value in module.config.items() if not key.startswith("_")}
    write_json(folder / "vae" / "config.json", {"_class_name": "AutoencoderTiny", **config})
    tensors = dict(weights(module, "float32", 1))
    save_file(tensors, folder / "vae" / "diffusion_pytorch_model.safetensors", metadata=METADATA)


def compare_tiny(
    name: str, folder: pathlib.Path, table: Table, runs: tuple[Encoding, ...] = FEW, bound: float = BOUND
) -> None:
    """Adds rows for a tiny autoencoder in both directions, at the sizes of `runs`."""
    vae = load(AutoencoderTiny, folder / "vae")
    with pixart.ImageEncoder(folder) as encoder, pixart.Decoder(folder) as decoder:
        for run in runs:
            table.add(compare_encoding(Row(name, str(run)), run, vae, encoder, bound))
            row = Row(name, f"decode {run.height}x{run.width}")
            shape = (run.images, vae.config.latent_channels, run.height // 8, run.width // 8)
            latents = torch.randn(shape, generator=seeded(1))
            row.errors("decoder", [decoder.decode(latents, output_type="float32")], [decoded(vae, latents)], bound)
            table.add(row)


def compare_encoding(row: Row, run: Encoding, vae: Any, encoder: pixart.ImageEncoder, bound: float = BOUND) -> Row:
    height, width = run.resized_from or (run.height, run.width)
    images = smooth_images(run.images, height, width)
    sources = [Image.fromarray(image) for image in images]
    pixels = VaeImageProcessor().preprocess(sources, run.height, run.width, resize_mode=run.resize_mode)
    if run.resized_from:
        images = pixart.resize_image(images, run.height, run.width, resize_mode=run.resize_mode)
        ours = (images.astype(np.float32) / 255 * 2 - 1).transpose(0, 3, 1, 2)
        row.equal("resized", np.array_equal(ours, pixels.numpy()))
    seed = list(run.seed) if isinstance(run.seed, tuple) else run.seed
    ours = encoder.encode(images, sample_mode=run.sample_mode, seed=seed)
    row.errors("encoder", [ours], [encoded(vae, pixels, run)], bound)
    return row


def smooth_images(count: int, height: int, width: int) -> np.ndarray:
    """Random images with edges and slopes: uint8 [B, H, W, 3]."""
    generator = np.random.default_rng(height * width + count)
    coarse = generator.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)
    images = [Image.fromarray(image).resize((width, height), Image.BICUBIC) for image in coarse]
    noise = generator.integers(-20, 21, (count, height, width, 3))
    return np.clip(np.stack([np.asarray(image) for image in images]) + noise, 0, 255).astype(np.uint8)


def encoded(vae: Any, pixels: torch.Tensor, run: Encoding) -> np.ndarray:
    """The latents that diffusers' pipelines compute for images."""
    with torch.no_grad():
        if isinstance(run.seed, tuple):
            parts = [
                retrieve_latents(vae.encode(pixels[i : i + 1]), seeded(seed), run.sample_mode)
                for i, seed in enumerate(run.seed)
            ]
            latents = torch.cat(parts)
        else:
            latents = retrieve_latents(vae.encode(pixels), seeded(run.seed), run.sample_mode)
        return (vae.config.scaling_factor * latents).numpy()


def decoded(vae: Any, latents: torch.Tensor) -> np.ndarray:
    """The images of latents, float32 [B, H, W, 3], 0 to 1."""
    with torch.no_grad():
        pixels = vae.decode(latents / vae.config.scaling_factor).sample
    return (pixels / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
