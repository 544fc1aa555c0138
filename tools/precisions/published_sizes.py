"""One forward pass of each network at its real size, random weights, one network in memory at a time."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
from diffusers import DPMSolverMultistepScheduler

import pixart
from reference.forward import predicted_by_library
from reference.random_checkpoint import write_checkpoint

from .report import Report
from .setting import Setting
from .similarity import error_and_cosine, least_row_cosine

PROMPT = "a cute cat face on a blue background, a red car, an orange cat and a rocket"
LAYERS = 4
TOKENS = 20


def compare_real(settings: Sequence[Setting], report: Report) -> None:
    """Adds a line for each setting except the first, which is the reference."""
    lines: dict[Setting, dict[str, str]] = {setting: {} for setting in settings[1:]}
    for name, parts, predict in (
        (f"T5-XXL, {LAYERS} layers", {"text": {"num_layers": LAYERS}}, embedding),
        ("transformer, 512", {"transformer": {}}, prediction),
        ("VAE decoder, 512", {"vae": {}}, pixels),
    ):
        with tempfile.TemporaryDirectory(prefix="pixart-precisions-") as temporary:
            folder = pathlib.Path(temporary)
            write_checkpoint(folder, size="512", **{part: parts.get(part) for part in ("text", "transformer", "vae")})
            compare_network(name, folder, settings, predict, lines)
    for setting, cells in lines.items():
        report.add(str(setting), cells)


def compare_network(
    name: str,
    folder: pathlib.Path,
    settings: Sequence[Setting],
    predict: Callable[[pathlib.Path, Setting], np.ndarray],
    lines: dict[Setting, dict[str, str]],
) -> None:
    reference = predict(folder, settings[0])
    for setting, cells in lines.items():
        found = predict(folder, setting)
        cells[name] = error_and_cosine(found, reference)
        if predict is embedding:
            cells["least row"] = f"{least_row_cosine(found, reference):.5f}"


def embedding(folder: pathlib.Path, setting: Setting) -> np.ndarray:
    with pixart.Encoder(folder, **setting.options("encoder")) as encoder:
        return encoder.encode(PROMPT)


def prediction(folder: pathlib.Path, setting: Setting) -> np.ndarray:
    prompt = np.random.default_rng(1).standard_normal((TOKENS, 4096), dtype=np.float32)
    scheduler = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler")
    with pixart.Denoiser(folder, **setting.options("denoiser")) as denoiser:
        options = {"seed": 0, "use_resolution_binning": False}
        return predicted_by_library(denoiser, prompt, scheduler, options)[2]


def pixels(folder: pathlib.Path, setting: Setting) -> np.ndarray:
    latents = np.random.default_rng(2).standard_normal((1, 4, 64, 64), dtype=np.float32)
    with contextlib.closing(pixart.Decoder(folder, **setting.options("decoder"))) as decoder:
        return decoder.decode(latents, output_type="float32")
