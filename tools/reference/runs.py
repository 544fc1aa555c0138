"""Compares complete runs."""

from __future__ import annotations

import contextlib
import pathlib
import re
import traceback
from typing import Any, NamedTuple

import numpy as np
from diffusers import DPMSolverMultistepScheduler
from PIL import Image

import pixart

from .diffusers_side import Reference
from .forward import predicted_by_library, predicted_by_reference
from .loops import mask_of, picture_of, run_loop
from .measures import Row, Table
from .random_checkpoint import write_checkpoint
from .run import Model, Run
from .step_cache import makes_parts


class Stages(NamedTuple):
    """A checkpoint opened with libpixart."""

    encoder: pixart.Encoder
    denoiser: pixart.Denoiser
    decoder: pixart.Decoder


def compare_random(model: Model, work: pathlib.Path, table: Table) -> None:
    """Writes a model's checkpoint below `work`, and compares its runs."""
    folder = work / re.sub(r"\W+", "-", model.name)
    write_checkpoint(folder, **model.checkpoint)
    compare_model(model, folder, work, table)


def compare_model(model: Model, folder: pathlib.Path, work: pathlib.Path, table: Table) -> None:
    """Adds a row for each run over the model in `folder`; images are written below `work`."""
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
    text = {"clean_caption": run.clean_caption}
    if run.max_sequence_length:
        text["max_sequence_length"] = run.max_sequence_length
    prompts = [*run.prompts, *run.negatives]
    tokens = [reference.tokens(prompt, run) for prompt in prompts]
    row.equal("tokens", [ours.encoder.tokenize(prompt, **text)["ids"] for prompt in prompts] == tokens)
    padded = [reference.embed(ids, reference.length(run)) for ids in tokens]
    embeddings = [ours.encoder.encode(prompt, **text) for prompt in prompts]
    row.errors("embedding", embeddings, [pixart.from_padded(embeds, mask) for embeds, mask in padded])

    if run.plain:
        compare_forward(row, run, reference, ours.denoiser, embeddings[0])
    written = run.strength is not None or run.guidance_interval is not None or makes_parts(run.cache, run.steps)
    expected = run_loop(reference, run) if written else reference.run(run)
    positives, negatives = embeddings[: len(run.prompts)], embeddings[len(run.prompts) :]
    one = len(positives) == 1
    with ours.denoiser.sampler(
        positives[0] if one else positives, negatives[0] if one else negatives, **denoise_options(run)
    ) as sampler:
        if run.strength is None:
            row.equal("noise", np.array_equal(sampler.latents, expected.noise))
        else:
            sampler.set_image_latents(picture_of(run, expected.noise.shape))
            if run.mask:
                sampler.set_mask(mask_of(expected.noise.shape))
            row.errors("start", [sampler.latents], [expected.noise])
        states = list(sampler)
    row.errors("latents", states, expected.latents)

    size = {"height": run.height, "width": run.width} if run.binning else {}
    decoded = ours.decoder.decode(expected.latents[-1], output_type="float32", **size)
    row.errors("decoder", [decoded], [expected.pixels])
    row.errors("pixels", [ours.decoder.decode(states[-1], output_type="float32", **size)], [expected.pixels])
    pixart.write_image(work / "image.png", ours.decoder.decode(states[-1], **size))
    with Image.open(work / "image.png") as image:
        row.png("PNG", np.asarray(image), (expected.pixels[0] * 255).round().astype(np.uint8))


def compare_forward(row: Row, run: Run, reference: Reference, denoiser: pixart.Denoiser, prompt: np.ndarray) -> None:
    """Compares one prediction of the transformer, if it can be computed from a step."""
    pipeline = reference.pipeline
    settings = pipeline.scheduler.config
    if not isinstance(pipeline.scheduler, DPMSolverMultistepScheduler):
        return
    if settings.prediction_type != "epsilon" or settings.final_sigmas_type != "zero":
        return
    noise, timestep, predicted = predicted_by_library(denoiser, prompt, pipeline.scheduler, denoise_options(run))
    expected = predicted_by_reference(pipeline.transformer, noise, timestep, prompt, pipeline.vae_scale_factor)
    row.errors("transformer", [predicted], [expected])


def denoise_options(run: Run) -> dict[str, Any]:
    given = {
        "height": run.height,
        "width": run.width if run.height else None,
        "scheduler": run.scheduler,
        "timesteps": run.timesteps,
        "guidance_interval": run.guidance_interval,
        "pag_scale": run.pag_scale or None,
        "pag_adaptive_scale": run.pag_adaptive_scale or None,
        "pag_applied_layers": run.pag_applied_layers,
        "strength": run.strength,
        "cache": run.cache,
    }
    return {
        "num_inference_steps": run.steps,
        "guidance_scale": run.guidance,
        "seed": list(run.seed) if isinstance(run.seed, tuple) else run.seed,
        "num_images_per_prompt": run.images,
        "use_resolution_binning": run.binning,
        **{key: value for key, value in given.items() if value is not None},
    }
