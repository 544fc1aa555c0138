#!/usr/bin/env python3
"""Write what the stage tests compare against: noise, schedulers, resolution bins and pictures as the reference makes them.

    make_stage_goldens.py [FOLDER]        default: Tests/PixArtStagesTests/Resources

Writes stages.json and schedulers.json.

float32 numbers are written as their bit patterns. Needs torch and diffusers.
"""
import inspect
import json
import pathlib
import sys

import diffusers
import torch
from diffusers.image_processor import PixArtImageProcessor
from diffusers.pipelines.pixart_alpha import pipeline_pixart_alpha as pixart
from reference.schedulers import bound, cases, runnable

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "PixArtStagesTests" / "Resources"


def bits(tensor):
    return tensor.contiguous().flatten().view(torch.int32).tolist()


def noise():
    """One generator for several draws, of sizes on both sides of 16 and of its multiples."""
    rows = []
    for seed, counts in [(0, [16]), (7, [5, 3]), (7, [40]), (2**32 + 7, [40]), (2**64 - 1, [64]), (3, [3, 18, 2, 256]),
                         (123456789, [4 * 6 * 10])]:
        generator = torch.Generator().manual_seed(seed)
        draws = [bits(torch.randn(count, generator=generator)) for count in counts]
        rows.append({"seed": seed, "draws": draws})
    return rows


MODELS = {"epsilon": (0.95, -0.05), "v_prediction": (0.1, -0.9), "sample": (0.1, 0.9)}
"""A model's output is so much of what it sees, and so much of a picture."""


def scheduler_runs(case, picture):
    """Latents of a small model, after every step of short runs and the last one of long runs; none where the reference
    ends in what is not a number."""
    shape, rows = picture.shape, []
    weights = MODELS[case.fields.get("prediction_type", "epsilon")]
    for steps in case.steps():
        if runnable(case, steps):
            continue
        scheduler = getattr(diffusers, case.name)(**case.fields)
        given = {key: case.run[key] for key in ("timesteps", "sigmas") if key in case.run}
        scheduler.set_timesteps(**(given or {"num_inference_steps": steps}))
        generator = torch.Generator().manual_seed(steps)
        x = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
        extra = {}
        if "generator" in inspect.signature(scheduler.step).parameters:
            extra["generator"] = generator
        if "eta" in inspect.signature(scheduler.step).parameters:
            extra["eta"] = case.run.get("eta", 0.0)
        latents, original = {}, None
        timesteps = scheduler.timesteps
        for index, timestep in enumerate(timesteps):
            seen = scheduler.scale_model_input(x, timestep)
            output = weights[0] * seen + weights[1] * picture
            if case.fields.get("variance_type") == "learned_range":
                output = torch.cat([output, 0.5 * picture], dim=1)
            after = scheduler.step(output, timestep, x, return_dict=False, **extra)
            x, original = after[0], after[1] if len(after) > 1 else None
            if len(timesteps) < 10 or index == len(timesteps) - 1:
                latents[index] = bits(x)
        if not x.isfinite().all():
            continue
        rows.append({"steps": steps, "bound": bound(case, steps), "timesteps": [round(float(t), 3) for t in timesteps], "latents": latents}
                    | ({} if original is None or steps > 4 else {"original": bits(original)}))
    return rows


def schedulers():
    """Each scheduler and each of its options."""
    picture = torch.randn(2, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    rows = [{"class": case.name, "fields": case.fields, "run": case.run, "runs": scheduler_runs(case, picture)}
            for case in cases()]
    return {"picture": bits(picture), "models": MODELS, "cases": rows}


def bins():
    tables = {128: pixart.ASPECT_RATIO_1024_BIN, 64: pixart.ASPECT_RATIO_512_BIN, 32: pixart.ASPECT_RATIO_256_BIN}
    sides = [8, 64, 256, 320, 480, 512, 600, 640, 720, 1000, 1024, 1280, 4096]
    return [[height, width, size, *PixArtImageProcessor.classify_height_width_bin(height, width, table)]
            for size, table in tables.items() for height in sides for width in sides]


def pictures():
    """Decoder outputs [3, H, W], resized and cropped, as bytes [H, W, 3]."""
    rows = []
    for (height, width), (to_height, to_width) in [((6, 9), (6, 9)), ((6, 9), (12, 10)), ((12, 8), (7, 7)),
                                                   ((5, 20), (16, 3))]:
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        resized = PixArtImageProcessor.resize_and_crop_tensor(image, to_width, to_height)
        array = PixArtImageProcessor().postprocess(resized, output_type="np")[0]
        rows.append({"height": height, "width": width, "image": bits(image), "to_height": to_height,
                     "to_width": to_width, "bytes": (array * 255).round().astype("uint8").flatten().tolist()})
    return rows


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    diffusers.utils.logging.set_verbosity_error()
    stages = {"noise": noise(), "bins": bins(), "pictures": pictures()}
    for name, golden in [("stages", stages), ("schedulers", schedulers())]:
        (out / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
