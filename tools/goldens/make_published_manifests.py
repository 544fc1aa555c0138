#!/usr/bin/env python3
"""Writes bindings/python/src/pixart/cli/networks.json: configurations, and names and shapes of tensors, of published checkpoints.

They come from the classes of diffusers and transformers that the published configurations name, made without memory.
Tests/published/repositories.json says what each repository holds; it is written by hand, each fact with its source.

A line of a network is [name, count, shape]: in the name, `#` stands for each number below count. Lines that agree up to
`#` are taken together, number by number: so the order is that of the class, which decides what goes into which shard.

Needs torch, diffusers and transformers.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from collections import defaultdict

import torch
from diffusers import AutoencoderKL, PixArtTransformer2DModel
from transformers import T5Config, T5EncoderModel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from reference.environment import ROOT  # noqa: E402
from reference.published_configurations import (  # noqa: E402
    SIGMA_TRANSFORMER,
    text_config,
    transformer_config,
    vae_config,
)

Shapes = dict[str, list[int]]
NULL_CAPTION = {"caption_projection.y_embedding": [120, 4096]}
"""What diffusers' conversion script of 2023 left in the transformers of PixArt-alpha."""


def shapes(module: torch.nn.Module) -> Shapes:
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def arguments(config: dict) -> dict:
    return {key: value for key, value in config.items() if not key.startswith("_")}


def compact(tensors: Shapes) -> list[list]:
    """Names that differ in their first number only, counted from 0, become one line."""
    groups: dict[tuple[str, tuple[int, ...]], list[str]] = defaultdict(list)
    for name, shape in tensors.items():
        groups[re.sub(r"\d+", "#", name, count=1), tuple(shape)].append(name)
    lines = []
    for (pattern, shape), names in groups.items():
        if "#" in pattern and names == [pattern.replace("#", str(i)) for i in range(len(names))]:
            lines.append([pattern, len(names), list(shape)])
        else:
            lines += [[name, 1, list(shape)] for name in names]
    return lines


def main() -> None:
    with torch.device("meta"):
        large = shapes(PixArtTransformer2DModel(**arguments(transformer_config("1024"))))
        small = shapes(PixArtTransformer2DModel(**arguments(transformer_config("512"))))
        sigma = shapes(PixArtTransformer2DModel(**arguments(transformer_config("1024") | SIGMA_TRANSFORMER)))
        vae = shapes(AutoencoderKL(**arguments(vae_config("512"))))
        text = shapes(T5EncoderModel(T5Config(**text_config("512"))))
    text.pop("encoder.embed_tokens.weight", None)  # tied to shared.weight, so save_pretrained leaves it out
    networks = {
        "transformer-alpha-1024": (transformer_config("1024"), large | NULL_CAPTION),
        "transformer-alpha": (transformer_config("512"), small | NULL_CAPTION),
        "transformer-sigma": (transformer_config("1024") | SIGMA_TRANSFORMER, sigma),
        "vae": (vae_config("512"), vae),
        "t5-xxl": (text_config("512"), text),
    }
    texts = []
    for name, (config, tensors) in networks.items():
        rows = ",\n".join("  " + json.dumps(row) for row in compact(tensors))
        texts.append(f'{json.dumps(name)}: {{"config": {json.dumps(config)}, "tensors": [\n{rows}\n]}}')
    path = ROOT / "bindings" / "python" / "src" / "pixart" / "cli" / "networks.json"
    path.write_text("{\n" + ",\n".join(texts) + "\n}\n")


if __name__ == "__main__":
    main()
