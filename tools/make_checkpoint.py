#!/usr/bin/env python3
"""Writes a PixArt-alpha or PixArt-Sigma checkpoint in the diffusers folder layout with seeded random weights.

The architectures are the real ones, so that memory, speed and agreement can be measured without trained weights:

    make_checkpoint.py OUT --size tiny                    about 4 MB, for tests
    make_checkpoint.py OUT --size 512 --dtype bfloat16    the shapes of PixArt-XL-2-512x512
    make_checkpoint.py OUT --size 1024 --parts transformer vae
    make_checkpoint.py OUT --size tiny --pipeline sigma   with the differences of PixArt-Sigma

Needs torch, diffusers, transformers and safetensors.
"""

from __future__ import annotations

import argparse
import pathlib

from reference.published_configurations import PIPELINES, SIZES
from reference.random_checkpoint import DTYPES, write_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"text_encoder": "text", "transformer": "transformer", "vae": "vae"}
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--pipeline", choices=PIPELINES, default="alpha")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=list(parts))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    without = {argument: None for part, argument in parts.items() if part not in args.parts}
    write_checkpoint(args.out, size=args.size, pipeline=args.pipeline, dtype=args.dtype, seed=args.seed, **without)


if __name__ == "__main__":
    main()
