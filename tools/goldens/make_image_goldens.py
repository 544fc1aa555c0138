#!/usr/bin/env python3
"""Writes the reference results of the image tests: PNG files with the pixels that Pillow reads from them, and images
that Pillow and diffusers resized.

    make_image_goldens.py [FOLDER]        default: Tests/PixArtFormatsTests/Resources

Writes images.json. Files and pixels are base64. Needs Pillow, numpy and diffusers.
"""

import base64
import io
import json
import pathlib
import sys

import numpy as np
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "PixArtFormatsTests" / "Resources"
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def text(data):
    return base64.b64encode(bytes(data)).decode()


def random_bytes(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def sources():
    """Images of every kind that Pillow writes, with the options for it."""
    size = (13, 9)
    grey, colour, alpha = (random_bytes(seed, 9, 13, channels) for seed, channels in ((1, 1), (2, 3), (3, 4)))
    yield "1", Image.fromarray(grey[..., 0]).convert("1"), {}
    yield "L", Image.fromarray(grey[..., 0]), {}
    yield "L with tRNS", Image.fromarray(grey[..., 0]), {"transparency": int(grey[0, 0, 0])}
    yield "LA", Image.fromarray(alpha).convert("LA"), {}
    yield "RGB", Image.fromarray(colour), {}
    yield "RGB with tRNS", Image.fromarray(colour), {"transparency": tuple(map(int, colour[0, 0]))}
    yield "RGBA", Image.fromarray(alpha), {}
    for bits in (1, 2, 4, 8):
        for transparent in (False, True):
            count = 2**bits
            image = Image.new("P", size)
            image.putpalette(random_bytes(bits, count, 3).tobytes())
            image.putdata([int(value) % count for value in random_bytes(bits + 10, 13 * 9)])
            options = {"bits": bits}
            if transparent:
                options["transparency"] = random_bytes(bits + 20, count).tobytes()
            yield f"P of {bits} bits{' with tRNS' if transparent else ''}", image, options
    wide = Image.fromarray(random_bytes(5, 70, 90, 3))
    yield "larger, compressed", wide.resize((120, 75), Image.BILINEAR), {"optimize": True}


def files():
    rows = []
    for name, image, options in sources():
        stream = io.BytesIO()
        image.save(stream, "PNG", **options)
        read = Image.open(io.BytesIO(stream.getvalue()))
        read.load()
        pixels = {
            str(channels): text(read.convert(mode).tobytes())
            for channels, mode in MODES.items()
            if read.width < 100 or channels == 3
        }
        rows.append(
            {
                "name": name,
                "width": read.width,
                "height": read.height,
                "file": text(stream.getvalue()),
                "pixels": pixels,
            }
        )
    return rows


SIZES = [  # from, to
    ((9, 13), (9, 13)),
    ((9, 13), (20, 31)),
    ((9, 13), (9, 40)),
    ((33, 9), (8, 9)),
    ((64, 48), (16, 16)),
    ((1, 1), (5, 7)),
    ((40, 7), (3, 24)),
    ((100, 30), (1, 1)),
    ((37, 53), (24, 40)),
    ((16, 90), (32, 8)),
    ((5, 3), (64, 64)),
]


def resized():
    processor, rows = VaeImageProcessor(), []
    for index, ((height, width), (to_height, to_width)) in enumerate(SIZES):
        pixels = random_bytes(index, height, width, 3)
        if index % 2:  # smooth, so that rounding shows and clipping does not
            pixels = np.array(Image.fromarray(pixels[:2, :2]).resize((width, height), Image.BICUBIC))
        for mode in ("default", "crop"):
            result = processor.resize(Image.fromarray(pixels), to_height, to_width, resize_mode=mode)
            rows.append(
                {
                    "height": height,
                    "width": width,
                    "pixels": text(pixels.tobytes()),
                    "mode": mode,
                    "to_height": to_height,
                    "to_width": to_width,
                    "result": text(result.tobytes()),
                }
            )
    return rows


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    (out / "images.json").write_text(json.dumps({"files": files(), "resized": resized()}, indent=0) + "\n")


if __name__ == "__main__":
    main()
