"""Compares the setup of a run for many settings: timesteps, sizes, noise. Nothing is denoised."""

from __future__ import annotations

import pathlib
import random

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler
from diffusers.image_processor import PixArtImageProcessor
from diffusers.pipelines.pixart_alpha import pipeline_pixart_alpha as pipeline
from diffusers.pipelines.pixart_alpha import pipeline_pixart_sigma as sigma_pipeline

import pixart

from .diffusers_side import seeded
from .measures import Row, Table
from .random_checkpoint import write_checkpoint
from .run import transformer

NAME = "settings"
SPACINGS = ({"timestep_spacing": "linspace"}, {"timestep_spacing": "leading", "steps_offset": 1})
BINS = {
    32: pipeline.ASPECT_RATIO_256_BIN,
    64: pipeline.ASPECT_RATIO_512_BIN,
    128: pipeline.ASPECT_RATIO_1024_BIN,
    256: sigma_pipeline.ASPECT_RATIO_2048_BIN,
}
SIZES = 200
SEEDS = (0, 1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64 - 1)
EMBEDDING = np.ones((1, 32), np.float32)


def compare_settings(work: pathlib.Path, table: Table) -> None:
    """Adds a row for each kind of setting."""
    for spacing in SPACINGS:
        folder = work / f"{NAME}-{spacing['timestep_spacing']}"
        write_checkpoint(folder, vae=None, text=None, scheduler=spacing)
        scheduler = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler")
        with pixart.Denoiser(folder) as denoiser:
            row = Row(NAME, f"{spacing['timestep_spacing']}, 1 to 999 steps")
            row.equal("timesteps", all(same_timesteps(denoiser, scheduler, steps) for steps in range(1, 1000)))
            table.add(row)
    with pixart.Denoiser(folder) as denoiser:
        row = Row(NAME, f"{len(SEEDS)} seeds, 1 and 5 images")
        row.equal("noise", all(same_noise(denoiser, seed, images) for seed in SEEDS for images in (1, 5)))
        table.add(row)
    for sample_size, bins in BINS.items():
        folder = work / f"{NAME}-{sample_size}"
        write_checkpoint(folder, transformer=transformer(sample_size=sample_size), vae=None, text=None)
        draw = random.Random(sample_size)
        sizes = [(int(height), int(width)) for height, width in bins.values()]
        sizes += [(8 * draw.randint(2, 300), 8 * draw.randint(2, 300)) for _ in range(SIZES)]
        with pixart.Denoiser(folder) as denoiser:
            row = Row(NAME, f"sample size {sample_size}, {len(sizes)} sizes")
            row.equal("bins", all(same_bin(denoiser, bins, *size) for size in sizes))
            table.add(row)


def same_timesteps(denoiser: pixart.Denoiser, scheduler: DPMSolverMultistepScheduler, steps: int) -> bool:
    scheduler.set_timesteps(steps)
    with denoiser.sampler(EMBEDDING, EMBEDDING, num_inference_steps=steps) as sampler:
        return np.array_equal(sampler.timesteps, scheduler.timesteps.numpy())


def same_noise(denoiser: pixart.Denoiser, seed: int, images: int) -> bool:
    with denoiser.sampler(EMBEDDING, EMBEDDING, seed=seed, num_images_per_prompt=images) as sampler:
        noise = sampler.latents
    return np.array_equal(noise, torch.randn(noise.shape, generator=seeded(seed)).numpy())


def same_bin(denoiser: pixart.Denoiser, bins: dict[str, list[float]], height: int, width: int) -> bool:
    expected = PixArtImageProcessor.classify_height_width_bin(height, width, ratios=bins)
    with denoiser.sampler(EMBEDDING, EMBEDDING, height=height, width=width, use_resolution_binning=True) as sampler:
        rows, columns = sampler.latents.shape[2:]
    return (8 * rows, 8 * columns) == tuple(expected)
