"""Compares whole runs over small checkpoints."""

from __future__ import annotations

import pathlib
import traceback
from typing import Any, NamedTuple

import numpy as np
import pixart
from make_checkpoint import write_checkpoint
from PIL import Image

from .cases import Model, Run
from .diffusers_side import Reference
from .forward import predicted_by_library, predicted_by_reference
from .measures import Row, Table


class Stages(NamedTuple):
    """libpixart's side of a checkpoint."""

    encoder: pixart.Encoder
    denoiser: pixart.Denoiser
    decoder: pixart.Decoder


def compare_model(model: Model, work: pathlib.Path, table: Table) -> None:
    """Adds a row for each run over a model, whose checkpoint is written below `work`."""
    folder = work / model.name.replace(" ", "-").replace(",", "")
    write_checkpoint(folder, **model.checkpoint)
    reference = Reference(folder)
    with pixart.Encoder(folder) as encoder, pixart.Denoiser(folder) as denoiser, pixart.Decoder(folder) as decoder:
        for run in model.runs:
            row = Row(model.name, str(run))
            try:
                compare_run(row, run, reference, Stages(encoder, denoiser, decoder), folder)
            except Exception as error:
                traceback.print_exc()
                row.check("error", f"{type(error).__name__}: {error}", False)
            table.add(row)


def compare_run(row: Row, run: Run, reference: Reference, ours: Stages, folder: pathlib.Path) -> None:
    text = {"clean_caption": run.clean_caption, "max_sequence_length": run.max_sequence_length}
    prompts = [run.prompt, run.negative]
    tokens = [reference.tokens(prompt, run) for prompt in prompts]
    row.equal("tokens", [ours.encoder.tokenize(prompt, **text)["ids"] for prompt in prompts] == tokens)
    padded = [reference.embed(ids, run.max_sequence_length) for ids in tokens]
    embeddings = [ours.encoder.encode(prompt, **text) for prompt in prompts]
    row.errors("embedding", embeddings, [pixart.from_padded(embeds, mask) for embeds, mask in padded])

    denoise = denoise_options(run)
    noise, timestep, predicted = predicted_by_library(
        ours.denoiser, embeddings[0], reference.pipeline.scheduler, denoise
    )
    factor = reference.pipeline.vae_scale_factor
    forward = predicted_by_reference(reference.pipeline.transformer, noise, timestep, embeddings[0], factor)
    row.errors("transformer", [predicted], [forward])

    expected = reference.run(run)
    with ours.denoiser.sampler(*embeddings, **denoise) as sampler:
        row.equal("noise", np.array_equal(sampler.latents, expected.noise))
        states = list(sampler)
    row.errors("latents", states, expected.latents)

    size = {"height": run.height, "width": run.width} if run.binning else {}
    decoded = ours.decoder.decode(expected.latents[-1], output_type="float32", **size)
    row.errors("decoder", [decoded], [expected.pixels])
    row.errors("pixels", [ours.decoder.decode(states[-1], output_type="float32", **size)], [expected.pixels])
    pixart.write_image(folder / "picture.png", ours.decoder.decode(states[-1], **size))
    with Image.open(folder / "picture.png") as picture:
        row.png("PNG", np.asarray(picture), (expected.pixels[0] * 255).round().astype(np.uint8))


def denoise_options(run: Run) -> dict[str, Any]:
    size = {"height": run.height, "width": run.width} if run.height else {}
    return {
        "num_inference_steps": run.steps,
        "guidance_scale": run.guidance,
        "seed": list(run.seed) if isinstance(run.seed, tuple) else run.seed,
        "num_images_per_prompt": run.images,
        "use_resolution_binning": run.binning,
        **size,
    }
