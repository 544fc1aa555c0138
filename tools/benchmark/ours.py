"""Runs libpixart. It imports only what it needs, because the memory of the whole process counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

import pixart

from .workloads import TOKENS

PROMPT = "a b c d e f g h i j k l m n o p q r s"
WIDTH = 4096


Profile = dict[str, dict[str, float]]
Handle = pixart.Encoder | pixart.Denoiser | pixart.Decoder | pixart.ImageEncoder


def stage(name: str, folder: str, px: int, options: dict[str, Any]) -> tuple[Callable[[], object], Handle]:
    """Opens a stage. Returns its work, and its handle."""
    noise = np.random.default_rng(0)
    if name == "encode":
        encoder = pixart.Encoder(folder, **options)
        return lambda: encoder.encode(PROMPT, max_sequence_length=TOKENS), encoder
    if name == "decode":
        decoder = pixart.Decoder(folder, **options)
        latents = noise.standard_normal((1, 4, px // 8, px // 8), dtype=np.float32)
        return lambda: decoder.decode(latents), decoder
    if name == "image":
        image_encoder = pixart.ImageEncoder(folder, **options)
        image = noise.integers(0, 256, (px, px, 3), dtype=np.uint8)
        return lambda: image_encoder.encode(image), image_encoder
    denoiser = pixart.Denoiser(folder, **options)
    size: dict[str, Any] = {"height": px, "width": px, "use_resolution_binning": False}
    sampler = denoiser.sampler(embedding(TOKENS), embedding(1), num_inference_steps=100, **size)
    return sampler.step, denoiser


def growth(before: Profile, after: Profile) -> Profile:
    """The increase of a profile."""
    return {kind: {key: value - before[kind][key] for key, value in entry.items()} for kind, entry in after.items()}


def embedding(rows: int) -> np.ndarray:
    return 0.2 * np.random.default_rng(rows).standard_normal((rows, WIDTH), dtype=np.float32)


def opening(name: str, folder: str, px: int, options: dict[str, Any]) -> dict[str, float]:
    """Seconds to open a stage, and until its first useful work is done: one token, a run's start, 8 x 8 latents."""
    pixart.version()  # loads the library
    prompt, latents = embedding(TOKENS), np.zeros((1, 4, 8, 8), np.float32)
    start = time.perf_counter()
    if name == "encode":
        with pixart.Encoder(folder, **options) as encoder:
            opened = time.perf_counter()
            encoder.encode("", max_sequence_length=1)
            worked = time.perf_counter()
    elif name == "decode":
        with pixart.Decoder(folder, **options) as decoder:
            opened = time.perf_counter()
            decoder.decode(latents)
            worked = time.perf_counter()
    else:
        with pixart.Denoiser(folder, **options) as denoiser:
            opened = time.perf_counter()
            denoiser.sampler(prompt, prompt, height=px, width=px, use_resolution_binning=False).close()
            worked = time.perf_counter()
    return {"open": opened - start, "work": worked - start}


def picture(
    text: str,
    transformer: str,
    vae: str,
    px: int,
    *,
    preset: Literal["exact", "balanced", "fast"],
    steps: int,
    low_memory: bool = False,
) -> dict[str, float]:
    """Seconds of each stage of a complete image with guidance in a preset. A stage is released before the next is
    opened.

    With `low_memory` the denoiser is streamed as well, and decoding takes as little memory as it can.
    """
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal start
        now = time.perf_counter()
        seconds[name], start = now - start, now

    with pixart.Encoder(text, residency="streamed", preset=preset) as encoder:
        prompt, negative = encoder.encode(PROMPT, max_sequence_length=TOKENS), encoder.encode("")
    lap("encode")
    residency: Literal["streamed", "resident"] = "streamed" if low_memory else "resident"
    with pixart.Denoiser(transformer, residency=residency, preset=preset) as denoiser:
        options: dict[str, Any] = {"height": px, "width": px, "use_resolution_binning": False, "preset": preset}
        with denoiser.sampler(prompt, negative, num_inference_steps=steps, **options) as sampler:
            lap("open")
            latents = sampler.run()
            lap("steps")
    del prompt, negative
    with pixart.Decoder(vae, preset=preset) as decoder:
        decoder.decode(latents, low_memory=low_memory)
    lap("decode")
    return seconds
