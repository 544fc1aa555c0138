#!/usr/bin/env python3
"""Scores an exported model on every pair of emoji and colour: does the image show the prompt?

    evaluate.py                      all pairs, 20 steps, guidance 4.5
    evaluate.py --held-out --guidance 1

The latents of each image are compared with the clean latents of all pairs. They count as right
if the nearest pair is the wanted one. Also prints the PSNR of the decoded images to the
compositions of their pairs.
"""

import argparse
import random
from pathlib import Path

import torch
from captions import all_pairs, caption, held_out
from diffusers import AutoencoderKL, PixArtTransformer2DModel
from emoji_images import grid
from export import OUT
from latents import all_images
from networks import Denoiser, sample
from text import Tokenizer
from things import THINGS
from train_vae import psnr
from transformers import T5EncoderModel


def load_denoiser(model: Path) -> Denoiser:
    """The text encoder and the transformer of an exported folder, in float32."""
    denoiser = Denoiser.__new__(Denoiser)
    torch.nn.Module.__init__(denoiser)
    denoiser.text_encoder = T5EncoderModel.from_pretrained(model / "text_encoder", dtype=torch.float32)
    denoiser.transformer = PixArtTransformer2DModel.from_pretrained(model / "transformer", torch_dtype=torch.float32)
    return denoiser.eval()


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=OUT)
    parser.add_argument("--guidance", type=float, default=4.5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--held-out", action="store_true", help="only the pairs kept out of training")
    parser.add_argument("--every", type=int, default=1, help="only every so many of the pairs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", type=Path, help="write the worst images here, made above wanted")
    args = parser.parse_args()

    denoiser, tokenizer = load_denoiser(args.model), Tokenizer(args.model / "tokenizer" / "spiece.model")
    vae = AutoencoderKL.from_pretrained(args.model / "vae", torch_dtype=torch.float32).eval()
    pairs, kept_out = all_pairs(), held_out()
    images = all_images()
    clean = torch.cat([vae.encode(part).latent_dist.mean for part in images.split(16)]) * vae.config.scaling_factor
    chosen = [i for i, pair in enumerate(pairs) if pair in kept_out or not args.held_out][:: args.every]
    rng, generator = random.Random(args.seed), torch.Generator().manual_seed(args.seed)

    results = []
    for start in range(0, len(chosen), 32):
        part = chosen[start : start + 32]
        texts = [caption(THINGS[pairs[i][0]], pairs[i][1], rng) for i in part]
        noise = torch.randn(len(part), *clean.shape[1:], generator=generator)
        latents = sample(denoiser, *tokenizer.batch(texts), tokenizer.batch([""]), noise, args.steps, args.guidance)
        nearest = torch.cdist(latents.flatten(1), clean.flatten(1)).argmin(1).tolist()
        made = vae.decode(latents / vae.config.scaling_factor).sample
        for i, found, text, image in zip(part, nearest, texts, made):
            results.append((psnr(image, images[i]), i, found, text, image))

    for title, kept in (("trained", False), ("held out", True)):
        some = [r for r in results if (pairs[r[1]] in kept_out) == kept]
        if some:
            right = sum(r[1] == r[2] for r in some)
            decibels = sorted(r[0] for r in some)
            print(
                f"{title}: {right} of {len(some)} right ({100 * right / len(some):.1f} %), PSNR mean "
                f"{sum(decibels) / len(some):.1f} dB, median {decibels[len(some) // 2]:.1f}, least {decibels[0]:.1f}"
            )
    for _, i, found, text, _ in results:
        if i != found:
            print("  missed:", text, "->", *pairs[found])
    if args.misses is not None:
        worst = sorted(results, key=lambda result: result[0])[:12]
        grid(torch.stack([r[4] for r in worst] + [images[r[1]] for r in worst]), 12).save(args.misses)
        print("worst:", *(f"{r[3]} ({r[0]:.1f} dB)" for r in worst), sep="\n  ")


if __name__ == "__main__":
    main()
