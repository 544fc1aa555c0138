"""Compares whole runs."""

from __future__ import annotations

import contextlib
import pathlib
import re
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


def compare_random(model: Model, work: pathlib.Path, table: Table) -> None:
    """Writes a model's checkpoint below `work`, and compares its runs."""
    folder = work / re.sub(r"\W+", "-", model.name)
    write_checkpoint(folder, **model.checkpoint)
    compare_model(model, folder, work, table)


def compare_model(model: Model, folder: pathlib.Path, work: pathlib.Path, table: Table) -> None:
    """Adds a row for each run over the model in `folder`; pictures go below `work`."""
    reference, files = Reference(folder, model.variant), {"variant": model.variant}
    with contextlib.ExitStack() as stack:
        kinds = pixart.Encoder, pixart.Denoiser, pixart.Decoder
        ours = Stages(*(stack.enter_context(kind(folder, **files)) for kind in kinds))
        for run in model.runs:
            row = Row(model.name, str(run))
            try:
                compare_run(row, run, reference, ours, work)
            except Exception as error:
                traceback.print_exc()
                row.check("error", f"{type(error).__name__}: {error}", False)
            table.add(row)


def compare_run(row: Row, run: Run, reference: Reference, ours: Stages, work: pathlib.Path) -> None:
    text = {"clean_caption": run.clean_caption, "max_sequence_length": run.max_sequence_length}
    prompts = [run.prompt, run.negative]
    tokens = [reference.tokens(prompt, run) for prompt in prompts]
    row.equal("tokens", [ours.encoder.tokenize(prompt, **text)["ids"] for prompt in prompts] == tokens)
    padded = [reference.embed(ids, run.max_sequence_length) for ids in tokens]
    embeddings = [ours.encoder.encode(prompt, **text) for prompt in prompts]
    row.errors("embedding", embeddings, [pixart.from_padded(embeds, mask) for embeds, mask in padded])

    compare_forward(row, run, reference, ours.denoiser, embeddings[0])
    expected = reference.run(run)
    with ours.denoiser.sampler(*embeddings, **denoise_options(run)) as sampler:
        row.equal("noise", np.array_equal(sampler.latents, expected.noise))
        states = list(sampler)
    row.errors("latents", states, expected.latents)

    size = {"height": run.height, "width": run.width} if run.binning else {}
    decoded = ours.decoder.decode(expected.latents[-1], output_type="float32", **size)
    row.errors("decoder", [decoded], [expected.pixels])
    row.errors("pixels", [ours.decoder.decode(states[-1], output_type="float32", **size)], [expected.pixels])
    pixart.write_image(work / "picture.png", ours.decoder.decode(states[-1], **size))
    with Image.open(work / "picture.png") as picture:
        row.png("PNG", np.asarray(picture), (expected.pixels[0] * 255).round().astype(np.uint8))


def compare_forward(row: Row, run: Run, reference: Reference, denoiser: pixart.Denoiser, prompt: np.ndarray) -> None:
    """Compares one prediction of the transformer, where it can be solved from a step."""
    pipeline = reference.pipeline
    settings = pipeline.scheduler.config
    if settings.prediction_type != "epsilon" or settings.final_sigmas_type != "zero":
        return
    noise, timestep, predicted = predicted_by_library(denoiser, prompt, pipeline.scheduler, denoise_options(run))
    expected = predicted_by_reference(pipeline.transformer, noise, timestep, prompt, pipeline.vae_scale_factor)
    row.errors("transformer", [predicted], [expected])


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
