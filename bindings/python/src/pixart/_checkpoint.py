"""Checkpoints on disk: in another precision, and what they would take of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._library import library
from ._options import Path, encode_options, encode_path, told
from ._progress import Progress, watched


def convert(
    model: Path,
    out: Path,
    *,
    weights: str = "int8",
    parts: Sequence[str] | None = None,
    variant: str | None = None,
    unexpected_tensors: str = "error",
    threads: int = 0,
    progress: Progress = None,
) -> None:
    """Writes the checkpoint folder `model` in another precision into the folder `out`, made where it is missing.

    `weights` is "float32", "bfloat16", "int8" or "int4"; `parts` some of "text_encoder", "transformer" and "vae", all
    that are there by default. `unexpected_tensors` is "error", or "ignore" to drop tensors that no network uses and that
    are not known to be harmless. `progress` is as in Denoiser.denoise(), a step being a tensor. Nothing remains of a call
    that fails or is cancelled; `model` is not changed.
    """
    if isinstance(parts, str):
        raise TypeError("parts must be a sequence of str, not str")
    options = {
        "weights": weights, "variant": variant, "unexpected_tensors": unexpected_tensors, "threads": threads
    }  # fmt: skip
    encoded = encode_options({**options, "parts": None if parts is None else list(parts)})
    folders = encode_path(model), encode_path(out)
    watched(progress, lambda callback: library().pixart_convert(*folders, encoded, callback, None))


def estimate(model: Path, stage: str = "denoise", **options: Any) -> dict[str, int]:
    """What a stage of the checkpoint folder `model` would take of memory, in bytes, without opening it.

    `stage` is "encode", "denoise", "decode" or "encode_image"; options are those of `options_schema("estimate")`. The keys are
    weights_resident, weights_mapped, activations, and peak, their sum.
    """
    arguments = encode_path(model), encode_options({"stage": stage, **options})
    return told(lambda report: library().pixart_estimate(*arguments, report))
