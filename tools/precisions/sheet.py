"""A sheet of images side by side."""

from __future__ import annotations

import pathlib

import numpy as np
from PIL import Image, ImageDraw

AMPLIFIED = 8
"""Times that a difference is shown enlarged, around grey."""

MARGIN, TEXT, TITLE = 4, 16, 32
"""Pixels: between images, of a line, and of the two lines of titles."""


class Sheet:
    """Rows of images: a prompt in the reference setting, then in each other setting with its amplified difference."""

    def __init__(self, reference: str) -> None:
        self.titles = [reference]
        self.rows: list[tuple[str, list[np.ndarray]]] = []

    def start(self, title: str, image: np.ndarray) -> None:
        self.rows.append((title, [image]))

    def add(self, title: str, image: np.ndarray) -> None:
        images = self.rows[-1][1]
        if len(self.rows) == 1:
            self.titles += [title, f"difference x {AMPLIFIED}"]
        images += [image, amplified(image, images[0])]

    def write(self, file: pathlib.Path) -> None:
        height, width = self.rows[0][1][0].shape[:2]
        columns, line = len(self.titles), height + TEXT + MARGIN
        sheet = Image.new("RGB", (columns * (width + MARGIN) + MARGIN, len(self.rows) * line + TITLE + MARGIN), "white")
        draw = ImageDraw.Draw(sheet)
        for column, title in enumerate(self.titles):
            draw.text((MARGIN + column * (width + MARGIN), 2), title.replace(", ", "\n", 1), fill="black")
        for row, (title, images) in enumerate(self.rows):
            top = TITLE + MARGIN + row * line
            for column, image in enumerate(images):
                sheet.paste(Image.fromarray(image), (MARGIN + column * (width + MARGIN), top))
            draw.text((MARGIN, top + height + 1), title, fill="black")
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(file, optimize=True)


def amplified(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    difference = (image.astype(int) - reference) * AMPLIFIED
    return np.clip(difference + 128, 0, 255).astype(np.uint8)
