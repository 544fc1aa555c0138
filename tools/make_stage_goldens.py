#!/usr/bin/env python3
"""Write what the stage tests compare against: noise, schedulers, resolution bins and pictures as the reference makes them.

    make_stage_goldens.py [OUT]        default: Tests/PixArtStagesTests/Resources/stages.json

float32 numbers are written as their bit patterns. Needs torch and diffusers.
"""
import json
import pathlib
import sys

import torch
from diffusers import DPMSolverMultistepScheduler
from diffusers.image_processor import PixArtImageProcessor
from diffusers.pipelines.pixart_alpha import pipeline_pixart_alpha as pixart

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "PixArtStagesTests" / "Resources" / "stages.json"


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


def schedulers():
    """Latents after every step, for a model that nearly knows the picture."""
    base = dict(beta_schedule="linear", solver_order=2, algorithm_type="dpmsolver++")
    variants = [{}, {"solver_order": 1}, {"solver_type": "heun"}, {"prediction_type": "v_prediction"},
                {"prediction_type": "sample"}, {"timestep_spacing": "leading", "steps_offset": 1},
                {"timestep_spacing": "trailing"}, {"lower_order_final": False, "final_sigmas_type": "sigma_min"},
                {"euler_at_final": True, "final_sigmas_type": "sigma_min"}, {"beta_schedule": "scaled_linear"}]
    rows = []
    for variant in variants:
        for steps in [1, 2, 5, 14, 15, 20] + ([48, 61] if "timestep_spacing" in variant else []):
            scheduler = DPMSolverMultistepScheduler(**(base | variant))
            scheduler.set_timesteps(steps)
            generator = torch.Generator().manual_seed(steps)
            picture, x = torch.randn(8, generator=generator), torch.randn(8, generator=generator)
            start, outputs, latents = bits(x), [], []
            for timestep, sigma in zip(scheduler.timesteps, scheduler.sigmas):
                alpha = 1 / (sigma**2 + 1) ** 0.5
                guess = picture + 0.3 * torch.randn(8, generator=generator)
                epsilon = (x - alpha * guess) / (sigma * alpha)
                output = {"epsilon": epsilon, "sample": guess, "v_prediction": alpha * epsilon - sigma * alpha * guess}[
                    variant.get("prediction_type", "epsilon")]
                x = scheduler.step(output, timestep, x).prev_sample
                outputs.append(bits(output))
                latents.append(bits(x))
            rows.append({"config": variant, "steps": steps, "timesteps": scheduler.timesteps.tolist(), "start": start,
                         "outputs": outputs, "latents": latents})
    return rows


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
    out.parent.mkdir(parents=True, exist_ok=True)
    golden = {"noise": noise(), "schedulers": schedulers(), "bins": bins(), "pictures": pictures()}
    out.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
