#!/usr/bin/env python3
"""Fits the linear map from latents to colours for previews, and writes it into the model's vae/config.json.

    preview_map.py [MODEL]      MODEL defaults to models/emoji

The fit is least squares over the latents of many runs, against libpixart's decoded images, averaged over 8 x 8 pixels,
from -1 to 1. Needs libpixart and numpy.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
from captions import all_pairs, caption
from things import THINGS

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "emoji"
IMAGES, STEPS, DIGITS = 160, 12, 4


def samples(model: Path) -> tuple[np.ndarray, np.ndarray]:
    """Latents [N, C] of random images, and the mean colour of each one's pixels [N, 3]."""
    sys.path.insert(0, str(ROOT / "bindings" / "python" / "src"))
    import pixart

    draw = random.Random(0)
    latents, colours = [], []
    with pixart.Encoder(model) as encoder, pixart.Denoiser(model) as denoiser, pixart.Decoder(model) as decoder:
        negative = encoder.encode("")
        for seed, (symbol, colour) in enumerate(draw.sample(all_pairs(), IMAGES)):
            prompt = encoder.encode(caption(THINGS[symbol], colour, draw))
            result = denoiser.denoise(prompt, negative, seed=seed, num_inference_steps=STEPS)
            image = decoder.decode(result, output_type="float32")[0] * 2 - 1
            rows, columns = result.shape[2:]
            latents.append(result[0].reshape(len(result[0]), -1).T)
            colours.append(image.reshape(rows, 8, columns, 8, 3).mean((1, 3)).reshape(-1, 3))
    return np.concatenate(latents).astype(np.float64), np.concatenate(colours).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    args = parser.parse_args()
    latents, colours = samples(args.model)
    design = np.hstack([latents, np.ones((len(latents), 1))])
    fitted = np.linalg.lstsq(design, colours, rcond=None)[0]
    error, spread = np.sqrt(((design @ fitted - colours) ** 2).mean(0)), colours.std(0)
    print("error in each colour, of its spread:", *(f"{one:.2f}" for one in error / spread))
    file = args.model / "vae" / "config.json"
    config = json.loads(file.read_text())
    config["latent_rgb_factors"] = fitted[:-1].round(DIGITS).tolist()
    config["latent_rgb_bias"] = fitted[-1].round(DIGITS).tolist()
    file.write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
