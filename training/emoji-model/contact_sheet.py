#!/usr/bin/env python3
"""Makes the contact sheet of the model: 24 prompts with their images.

    contact_sheet.py [FILE]      FILE defaults to docs/images/emoji-contact-sheet.png

A star marks combinations of thing and background that were held out of training.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from emoji_images import SIZE, to_image
from evaluate import load_denoiser
from export import OUT
from networks import GRID, LATENT_CHANNELS, sample
from PIL import Image, ImageDraw, ImageFont
from text import Tokenizer

SHEET = Path(__file__).resolve().parents[2] / "docs" / "images" / "emoji-contact-sheet.png"
COLUMNS, MARGIN, LABEL = 6, 14, 34
STEPS, GUIDANCE = 20, 4.5
# (prompt, True if the combination was held out of training)
PROMPTS: tuple[tuple[str, bool], ...] = (
    ("a cute cat face on a blue background", False),
    ("a red car on a yellow background", False),
    ("rocket on black", False),
    ("pizza", False),
    ("a small panda on a black background", True),
    ("an owl on a blue background", True),
    ("a dog", False),
    ("a picture of a fox on green", False),
    ("bunny emoji, purple background", False),
    ("an elephant on an orange background", True),
    ("a ghost with a purple background", False),
    ("a puppy on violet", True),
    ("a drawing of a sunflower on a red background", False),
    ("red rose, white background", False),
    ("pineapple on red", True),
    ("a christmas tree on a yellow background", False),
    ("strawberry on a green background", False),
    ("a burger on orange", True),
    ("sailing boat, blue background", False),
    ("a bike against a green background", False),
    ("a tractor on a purple background", True),
    ("smiley face on red", False),
    ("a big robot on a blue background", True),
    ("yellow background, love heart", False),
)


def diffusers_engine(model: Path) -> Callable[[str, int], Image.Image]:
    """Images by the reference implementation: (prompt, seed) -> image."""
    denoiser, tokenizer = load_denoiser(model), Tokenizer(model / "tokenizer" / "spiece.model")
    vae = AutoencoderKL.from_pretrained(model / "vae", torch_dtype=torch.float32).eval()

    @torch.no_grad()
    def draw(prompt: str, seed: int) -> Image.Image:
        noise = torch.randn(1, LATENT_CHANNELS, GRID, GRID, generator=torch.Generator().manual_seed(seed))
        latents = sample(denoiser, *tokenizer.batch([prompt]), tokenizer.batch([""]), noise, STEPS, GUIDANCE)
        return to_image(vae.decode(latents / vae.config.scaling_factor).sample[0])

    return draw


def pixart_engine(model: Path) -> Callable[[str, int], Image.Image]:
    """Images by libpixart and its Python binding: (prompt, seed) -> image."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"))
    import pixart

    encoder, denoiser, decoder = pixart.Encoder(model), pixart.Denoiser(model), pixart.Decoder(model)

    def draw(prompt: str, seed: int) -> Image.Image:
        latents = denoiser.denoise(
            encoder.encode(prompt), encoder.encode(""), seed=seed, num_inference_steps=STEPS, guidance_scale=GUIDANCE
        )
        return Image.fromarray(decoder.decode(latents)[0])

    return draw


ENGINES: dict[str, Callable[[Path], Callable[[str, int], Image.Image]]] = {
    "pixart": pixart_engine,
    "diffusers": diffusers_engine,
}


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """`text` broken into lines no wider than `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=SHEET)
    parser.add_argument("--model", type=Path, default=OUT)
    parser.add_argument("--engine", choices=ENGINES, default="pixart")
    args = parser.parse_args()

    draw = ENGINES[args.engine](args.model)
    font = ImageFont.load_default(11)
    rows = -(-len(PROMPTS) // COLUMNS)
    cell_width, cell_height = SIZE + MARGIN, SIZE + LABEL + MARGIN
    sheet = Image.new("RGB", (COLUMNS * cell_width + MARGIN, rows * cell_height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (prompt, kept_out) in enumerate(PROMPTS):
        left, top = MARGIN + i % COLUMNS * cell_width, MARGIN + i // COLUMNS * cell_height
        sheet.paste(draw(prompt, i), (left, top))
        pen.rectangle((left - 1, top - 1, left + SIZE, top + SIZE), outline=(200, 200, 200))
        label = wrap(prompt + (" *" if kept_out else ""), font, SIZE)
        pen.multiline_text((left, top + SIZE + 4), label, fill=(40, 40, 40), font=font, spacing=2)
    args.file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.file, optimize=True)


if __name__ == "__main__":
    main()
