#!/usr/bin/env python3
"""Writes the reference results of the stage tests: noise, resolution bins and images.

    make_stage_goldens.py [FOLDER]        default: Tests/PixArtStagesTests/Resources

Writes stages.json.

float32 numbers are written as their bit patterns. Needs torch and diffusers.
"""

import json
import pathlib
import sys

import torch
from diffusers.image_processor import PixArtImageProcessor
from diffusers.pipelines.pixart_alpha import pipeline_pixart_alpha as pixart
from diffusers.pipelines.pixart_alpha import pipeline_pixart_sigma as sigma

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtStagesTests" / "Resources"


def bits(tensor):
    return tensor.contiguous().flatten().view(torch.int32).tolist()


def noise():
    """One generator for several draws, of sizes on both sides of 16 and of its multiples."""
    rows = []
    for seed, counts in [
        (0, [16]),
        (7, [5, 3]),
        (7, [40]),
        (2**32 + 7, [40]),
        (2**64 - 1, [64]),
        (3, [3, 18, 2, 256]),
        (123456789, [4 * 6 * 10]),
    ]:
        generator = torch.Generator().manual_seed(seed)
        draws = [bits(torch.randn(count, generator=generator)) for count in counts]
        rows.append({"seed": seed, "draws": draws})
    return rows


def bins():
    tables = {
        256: sigma.ASPECT_RATIO_2048_BIN,
        128: pixart.ASPECT_RATIO_1024_BIN,
        64: pixart.ASPECT_RATIO_512_BIN,
        32: pixart.ASPECT_RATIO_256_BIN,
    }
    sides = [8, 64, 256, 320, 480, 512, 600, 640, 720, 1000, 1024, 1280, 4096]
    return [
        [height, width, size, *PixArtImageProcessor.classify_height_width_bin(height, width, table)]
        for size, table in tables.items()
        for height in sides
        for width in sides
    ]


def images():
    """Decoder outputs [3, H, W], resized and cropped, as bytes [H, W, 3]."""
    rows = []
    for (height, width), (to_height, to_width) in [
        ((6, 9), (6, 9)),
        ((6, 9), (12, 10)),
        ((12, 8), (7, 7)),
        ((5, 20), (16, 3)),
    ]:
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        resized = PixArtImageProcessor.resize_and_crop_tensor(image, to_width, to_height)
        array = PixArtImageProcessor().postprocess(resized, output_type="np")[0]
        rows.append(
            {
                "height": height,
                "width": width,
                "image": bits(image),
                "to_height": to_height,
                "to_width": to_width,
                "bytes": (array * 255).round().astype("uint8").flatten().tolist(),
            }
        )
    return rows


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    stages = {"noise": noise(), "bins": bins(), "pictures": images()}
    (out / "stages.json").write_text(json.dumps(stages, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
