"""The picture of `pixart compare`: a row for each prompt, a column for each setting and each difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

GAP, HEAD, SMALLEST = 8, 28, 256
INK, PAPER = (32, 32, 32), (255, 255, 255)


def sheet(images: Mapping[str, npt.NDArray[np.uint8]], prompts: Sequence[str], factor: int) -> Image.Image:
    """Images by setting, each [B, H, W, 3], and how they differ from the first setting, times `factor`."""
    names = list(images)
    columns = {name: images[name] for name in names}
    first = images[names[0]].astype(np.int16)
    for name in names[1:]:
        different = np.abs(images[name].astype(np.int16) - first) * factor
        columns[f"{name} - {names[0]}, x{factor}"] = np.minimum(different, 255).astype(np.uint8)
    height, width = first.shape[1:3]
    scale = max(1, SMALLEST // min(height, width))
    height, width = scale * height, scale * width
    size = (len(columns) * (width + GAP) + GAP, HEAD + len(prompts) * (height + HEAD + GAP))
    picture = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for column, (name, pixels) in enumerate(columns.items()):
        left = GAP + column * (width + GAP)
        draw.text((left, 6), name, INK, font)
        for row, prompt in enumerate(prompts):
            top = HEAD + row * (height + HEAD + GAP)
            picture.paste(Image.fromarray(pixels[row]).resize((width, height), Image.Resampling.NEAREST), (left, top))
            if column == 0:
                draw.text((left, top + height + 4), prompt, INK, font)
    return picture
