"""Compares one forward pass of each network at its real size, with random weights, one network in memory at a time."""

from __future__ import annotations

import gc
import pathlib
import shutil

import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, PixArtTransformer2DModel
from transformers import T5EncoderModel

import pixart

from .diffusers_side import END, load, tokenizer_of
from .forward import predicted_by_library, predicted_by_reference
from .images import TAESD, Encoding, compare_encoding, compare_tiny, decoded, write_tiny
from .measures import REAL_BOUND, Row, Table
from .random_checkpoint import write_checkpoint
from .run import CAT

TRANSFORMERS = ("256", "512", "1024")
NETWORKS = (*TRANSFORMERS, "vae", "taesd", "t5")
TOKENS = 20
"""Rows of the embedding that the transformers see."""


def compare_network(name: str, work: pathlib.Path, table: Table) -> None:
    """Adds the rows of one network; its checkpoint is gone afterwards."""
    folder = work / f"real-{name}"
    try:
        if name in TRANSFORMERS:
            table.add(compare_transformer(name, folder))
        elif name == "vae":
            compare_vae(folder, table)
        elif name == "taesd":
            write_tiny(folder, TAESD)
            compare_tiny("TAESD", folder, table, (Encoding(512, 512),), REAL_BOUND)
        else:
            table.add(compare_t5(folder))
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


def compare_vae(folder: pathlib.Path, table: Table) -> None:
    write_checkpoint(folder, size="512", transformer=None, text=None)
    latents = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(2))
    row, vae = Row("SD VAE", "one decoding, 512x512"), load(AutoencoderKL, folder / "vae")
    with pixart.Decoder(folder) as decoder:
        ours = decoder.decode(latents, output_type="float32")
    row.errors("pixels", [ours], [decoded(vae, latents)], REAL_BOUND)
    table.add(row)
    run = Encoding(512, 512, sample_mode="argmax")
    with pixart.ImageEncoder(folder) as encoder:
        table.add(compare_encoding(Row("SD VAE", str(run)), run, vae, encoder, REAL_BOUND))


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
