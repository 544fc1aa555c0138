"""Compares one forward pass of each network at its real size, with random weights, one network in memory at a time."""

from __future__ import annotations

import gc
import pathlib
import shutil

import numpy as np
import pixart
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, PixArtTransformer2DModel
from make_checkpoint import write_checkpoint
from transformers import T5EncoderModel

from .diffusers_side import END, load, tokenizer_of
from .forward import predicted_by_library, predicted_by_reference
from .measures import REAL_BOUND, Row, Table
from .run import CAT

TRANSFORMERS = ("256", "512", "1024")
NETWORKS = (*TRANSFORMERS, "vae", "t5")
TOKENS = 20
"""Rows of the embedding that the transformers see."""


def compare_network(name: str, work: pathlib.Path, table: Table) -> None:
    """Adds the row of one network; its checkpoint is gone afterwards."""
    folder = work / f"real-{name}"
    try:
        if name in TRANSFORMERS:
            row = compare_transformer(name, folder)
        else:
            row = compare_vae(folder) if name == "vae" else compare_t5(folder)
        table.add(row)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        gc.collect()


def compare_transformer(size: str, folder: pathlib.Path) -> Row:
    write_checkpoint(folder, size=size, vae=None, text=None)
    row = Row(f"PixArt-XL-2-{size}", "one forward pass")
    generator = torch.Generator().manual_seed(1)
    prompt = torch.randn(TOKENS, 4096, generator=generator).numpy()
    scheduler = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler")
    with pixart.Denoiser(folder) as denoiser:
        options = {"seed": 0, "use_resolution_binning": False}
        noise, timestep, ours = predicted_by_library(denoiser, prompt, scheduler, options)
    transformer = load(PixArtTransformer2DModel, folder / "transformer")
    row.errors("transformer", [ours], [predicted_by_reference(transformer, noise, timestep, prompt)], REAL_BOUND)
    return row


def compare_vae(folder: pathlib.Path) -> Row:
    write_checkpoint(folder, size="512", transformer=None, text=None)
    row = Row("SD VAE", "one decoding, 512x512")
    latents = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(2))
    with pixart.Decoder(folder) as decoder:
        ours = decoder.decode(latents, output_type="float32")
    vae = load(AutoencoderKL, folder / "vae")
    with torch.no_grad():
        pixels = vae.decode(latents / vae.config.scaling_factor).sample
    reference = (pixels / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    row.errors("pixels", [ours], [reference], REAL_BOUND)
    return row


def compare_t5(folder: pathlib.Path) -> Row:
    write_checkpoint(folder, size="512", transformer=None, vae=None, text={"num_layers": 4})
    row = Row("T5-XXL, four layers", "one prompt")
    with pixart.Encoder(folder) as encoder:
        ours = encoder.encode(CAT)
    encoder = load(T5EncoderModel, folder / "text_encoder")
    ids = tokenizer_of(folder).encode(CAT) + [END]
    with torch.no_grad():
        reference = encoder(torch.tensor([ids])).last_hidden_state[0].numpy()
    row.errors("embedding", [ours], [np.asarray(reference)], REAL_BOUND)
    return row
