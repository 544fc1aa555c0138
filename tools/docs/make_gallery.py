#!/usr/bin/env python3
"""Makes the images of docs/gallery.md: runs the examples that compare, and adds labels to their images.

    make_gallery.py [NAME...]       NAME is one of schedulers, guidance, image-to-image, inpainting, preview

Needs numpy and Pillow, and the built library.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw, ImageFont

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES, IMAGES, PACKAGE = ROOT / "examples" / "python", ROOT / "docs" / "images", ROOT / "bindings" / "python" / "src"
PROGRAMS = {
    "schedulers": "compare_schedulers.py",
    "guidance": "compare_guidance.py",
    "image-to-image": "image_to_image.py",
    "inpainting": "inpaint.py",
    "preview": "preview_run.py",
}
"""The example that makes each image, without arguments."""

CELL, MARGIN, LINE = 96, 6, 16
"""Pixels: the side of a cell, the space between cells, and the height of a line of text."""

COLOURS = 256
"""Colours of an image. This makes the file a third as large."""


def labelled(grid: Image.Image) -> Image.Image:
    """Separates the cells of a grid, and adds names above the columns and before the rows. The names are in the file's
    text chunks "columns" and "rows", one on each line. Without "rows" there is one row."""
    columns, rows = grid.text["columns"].split("\n"), grid.text.get("rows", "").split("\n")
    width, height = grid.width // len(columns), grid.height // len(rows)
    font = ImageFont.load_default(11)
    left = MARGIN + (round(max(map(font.getlength, rows))) + MARGIN if any(rows) else 0)
    top, pitch = MARGIN + LINE, CELL + MARGIN
    sheet = Image.new("RGB", (left + len(columns) * pitch, top + len(rows) * pitch), "white")
    pen = ImageDraw.Draw(sheet)
    for column, name in enumerate(columns):
        pen.text((left + column * pitch + CELL // 2, LINE), name, fill="black", font=font, anchor="ms")
    for row, name in enumerate(rows):
        pen.text((left - MARGIN, top + row * pitch + CELL // 2), name, fill="black", font=font, anchor="rm")
        for column in range(len(columns)):
            cell = grid.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
            x, y = left + column * pitch, top + row * pitch
            sheet.paste(cell.resize((CELL, CELL), Image.Resampling.LANCZOS), (x, y))
            pen.rectangle((x - 1, y - 1, x + CELL, y + CELL), outline=(200, 200, 200))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(PROGRAMS))
    args = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names:
            drawn = pathlib.Path(folder) / f"{name}.png"
            command = [sys.executable, EXAMPLES / PROGRAMS[name], "--output", drawn]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
            with Image.open(drawn) as grid:
                labelled(grid).quantize(COLOURS).save(IMAGES / drawn.name, optimize=True)


if __name__ == "__main__":
    main()
