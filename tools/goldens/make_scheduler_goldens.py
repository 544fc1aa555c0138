#!/usr/bin/env python3
"""Writes the reference results of the scheduler tests: each scheduler with each of its options in diffusers.

    make_scheduler_goldens.py [FOLDER]        default: Tests/PixArtSchedulersTests/Resources

Writes schedulers.json.

PyTorch's roots, exponentials and logarithms are rounded correctly here, so that every machine writes the same.
float32 numbers are written as their bit patterns. Needs torch, diffusers and torchsde.
"""

import inspect
import json
import pathlib
import sys

import diffusers
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from reference.scheduler_runs import RoundedFunctions, make, seed_noise  # noqa: E402
from reference.schedulers import absent, cases  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtSchedulersTests" / "Resources"

MODELS = {"epsilon": (0.95, -0.05), "v_prediction": (0.1, -0.9), "sample": (0.1, 0.9)}
"""A model's output is a sum of what it sees and an image, with these factors."""

STRENGTH = 0.6
"""Strength of runs that begin later, as image-to-image does."""

LATER_STEPS = (4, 20)
"""Numbers of steps of those runs: with the rules for short runs, and without."""


def bits(tensor):
    return tensor.contiguous().flatten().view(torch.int32).tolist()


def scheduler_of(case, steps):
    """A scheduler with its timesteps set."""
    scheduler = make(case)
    options = case.options(steps)
    given = {key: options[key] for key in ("timesteps", "sigmas") if key in options}
    scheduler.set_timesteps(**(given or {"num_inference_steps": steps}))
    return scheduler


def run(case, scheduler, image, x, begin, generator):
    """Latents after every step of a small model from `x` on, and the last predicted original."""
    extra = {}
    if "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = generator
    if "eta" in inspect.signature(scheduler.step).parameters:
        extra["eta"] = case.run.get("eta", 0.0)
    seed_noise(scheduler, generator)
    seen_part, image_part = MODELS[case.prediction()]
    states, original = [], None
    for timestep in scheduler.timesteps[begin:]:
        seen = scheduler.scale_model_input(x, timestep)
        output = seen_part * seen + image_part * image
        if case.fields.get("variance_type") == "learned_range":
            output = torch.cat([output, 0.5 * image], dim=1)
        after = scheduler.step(output, timestep, x, return_dict=False, **extra)
        x, original = after[0], after[1] if len(after) > 1 else None
        states.append(x)
    return states, original


def whole(case, steps, image):
    generator = torch.Generator().manual_seed(steps)
    scheduler = scheduler_of(case, steps)
    x = torch.randn(image.shape, generator=generator) * scheduler.init_noise_sigma
    return scheduler, *run(case, scheduler, image, x, 0, generator)


def later(case, steps, image):
    """A run that begins at the strength, as in StableDiffusionImg2ImgPipeline."""
    generator = torch.Generator().manual_seed(steps)
    scheduler = scheduler_of(case, steps)
    begin = (steps - min(int(steps * STRENGTH), steps)) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    noise = torch.randn(image.shape, generator=generator)
    noised = scheduler.add_noise(image, noise, scheduler.timesteps[begin : begin + 1].repeat(len(image)))
    states, _ = run(case, scheduler, image, noised, begin, generator)
    if not states[-1].isfinite().all():
        return {}
    return {"later": {"begin": begin, "noised": bits(noised), "latents": bits(states[-1])}}


def runs(case, image):
    """Latents after every step of short runs and after the last step of long runs; none if the reference ends with
    NaN."""
    rows = []
    for steps in case.steps():
        if absent(case, steps):
            continue
        scheduler, states, original = whole(case, steps, image)
        if not states[-1].isfinite().all():
            continue
        options = case.options(steps)
        row = {"steps": steps, "timesteps": [round(float(t), 3) for t in scheduler.timesteps]}
        row |= {"given": {key: options[key] for key in ("timesteps", "sigmas") if key in options}}
        row["latents"] = {
            index: bits(x) for index, x in enumerate(states) if len(states) < 10 or index == len(states) - 1
        }
        if original is not None and steps <= 4:
            row["original"] = bits(original)
        rows.append(row | (later(case, steps, image) if steps in LATER_STEPS else {}))
    return rows


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    diffusers.utils.logging.set_verbosity_error()
    image = torch.randn(2, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    with RoundedFunctions():
        rows = [
            {"class": case.name, "fields": case.fields, "eta": case.run.get("eta", 0), "runs": runs(case, image)}
            for case in cases()
        ]
    golden = {"picture": bits(image), "models": MODELS, "cases": rows}
    (out / "schedulers.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
