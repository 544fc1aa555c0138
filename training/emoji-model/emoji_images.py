"""Emoji bitmaps and their compositions on plain backgrounds."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from things import COLOURS, THINGS

SIZE = 128  # edge of an image
DRAWN = 104  # height of the emoji in it
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
STRIKE = 109  # the only bitmap size of the font: glyphs are 136 x 128 pixels


def draw_emoji(symbol: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """One emoji, centred, as SIZE x SIZE x 4 floats in 0...1 with premultiplied alpha."""
    glyph = Image.new("RGBA", (136, 128), (0, 0, 0, 0))
    ImageDraw.Draw(glyph).text((0, 0), symbol, font=font, embedded_color=True, anchor="lt")
    box = glyph.getchannel("A").getbbox()
    if box is None:
        raise ValueError(f"{symbol} is not in {FONT}")
    pixels = np.asarray(glyph, np.float32) / 255
    pixels[..., :3] *= pixels[..., 3:]
    width = round(136 * DRAWN / 128)
    planes = [Image.fromarray(pixels[..., i]).resize((width, DRAWN), Image.Resampling.LANCZOS) for i in range(4)]
    small = np.clip(np.stack([np.asarray(plane) for plane in planes], -1), 0, 1)
    canvas = np.zeros((SIZE, SIZE, 4), np.float32)
    top, left = (SIZE - DRAWN) // 2, (SIZE - width) // 2
    canvas[top : top + DRAWN, left : left + width] = small
    return canvas


def all_emoji() -> torch.Tensor:
    """Every emoji of the vocabulary, N x 4 x SIZE x SIZE with premultiplied alpha."""
    font = ImageFont.truetype(str(FONT), STRIKE)
    return torch.from_numpy(np.stack([draw_emoji(symbol, font) for symbol in THINGS])).permute(0, 3, 1, 2).contiguous()


def palette() -> torch.Tensor:
    """The named background colours, C x 3 in 0...1."""
    return torch.tensor(list(COLOURS.values()), dtype=torch.float32) / 255


def compose(emoji: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """Premultiplied emoji (B x 4 x H x W) over colours (B x 3), as images in -1...1."""
    flat = background[:, :, None, None]
    return (emoji[:, :3] + (1 - emoji[:, 3:]) * flat).clamp(0, 1) * 2 - 1


def to_image(image: torch.Tensor) -> Image.Image:
    """A 3 x H x W tensor in -1...1 as an image."""
    values = ((image.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).numpy())


def grid(images: torch.Tensor, columns: int) -> Image.Image:
    """B x 3 x H x W images as one image, row by row."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * SIZE, rows * SIZE))
    for i, image in enumerate(images):
        sheet.paste(to_image(image), (i % columns * SIZE, i // columns * SIZE))
    return sheet
