"""The results of the stages in one setting: each alone (with inputs of float32), and in sequence."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import pixart
from reference.measures import relative_error

from .report import Report
from .setting import Setting
from .sheet import Sheet
from .similarity import error_and_cosine, least_row_cosine, psnr, ssim


@dataclass(frozen=True)
class Run:
    """The options of a run."""

    prompt: str
    seed: int
    steps: int
    guidance: float

    def options(self) -> dict[str, Any]:
        return {"seed": self.seed, "num_inference_steps": self.steps, "guidance_scale": self.guidance}


@dataclass(frozen=True)
class Outcome:
    """The results of the pipeline."""

    embeddings: tuple[np.ndarray, np.ndarray]
    """Of the prompt and the negative prompt, [S, E]."""
    first: np.ndarray
    """The latents after a run of one step without guidance: one forward pass, [B, C, Y, X]."""
    latents: list[np.ndarray]
    """After each step."""
    pixels: np.ndarray
    """float32 [H, W, 3], 0 to 1."""

    @property
    def image(self) -> np.ndarray:
        """uint8 [H, W, 3]."""
        return (self.pixels * 255).round().astype(np.uint8)


class Pipeline:
    """The three stages of a checkpoint in one setting."""

    def __init__(self, model: str, setting: Setting) -> None:
        self.stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            folder = setting.model(model)
            self.encoder = opened.enter_context(pixart.Encoder(folder, **setting.options("encoder")))
            self.denoiser = opened.enter_context(pixart.Denoiser(folder, **setting.options("denoiser")))
            self.decoder = opened.enter_context(pixart.Decoder(folder, **setting.options("decoder")))
            self.stack = opened.pop_all()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

    def run(self, run: Run, given: Outcome | None = None) -> Outcome:
        """Runs all stages. With `given`, each stage alone, with the inputs that it had there."""
        embeddings = self.encoder.encode(run.prompt), self.encoder.encode("")
        inputs = given.embeddings if given else embeddings
        alone = run.options() | {"num_inference_steps": 1, "guidance_scale": 1.0}
        first = self.denoiser.denoise(inputs[0], **alone)
        with self.denoiser.sampler(*inputs, **run.options()) as sampler:
            latents = list(sampler)
        pixels = self.decoder.decode((given.latents if given else latents)[-1], output_type="float32")
        return Outcome(embeddings, first, latents, pixels[0])


def compared(reference: Outcome, other: Outcome) -> dict[str, str]:
    """The cells of one line of the report."""
    steps = [relative_error(a, b) for a, b in zip(other.latents, reference.latents)]
    rows = zip(other.embeddings, reference.embeddings)
    return {
        "embedding": error_and_cosine(other.embeddings[0], reference.embeddings[0]),
        "least row": f"{min(least_row_cosine(a, b) for a, b in rows):.5f}",
        "one pass": error_and_cosine(other.first, reference.first),
        "latents": error_and_cosine(other.latents[-1], reference.latents[-1]),
        "latents at steps": " ".join(f"{steps[index]:.1e}" for index in some(len(steps))),
        "pixels": error_and_cosine(other.pixels, reference.pixels),
        "PSNR": f"{psnr(other.image, reference.image):.1f} dB",
        "SSIM": f"{ssim(other.image, reference.image):.4f}",
    }


def some(count: int, most: int = 4) -> list[int]:
    """Indices from the first to the last, at even distances."""
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def compare_pipelines(
    model: str, settings: Sequence[Setting], runs: Sequence[Run], alone: Report, whole: Report, sheet: Sheet
) -> None:
    """Adds lines for each run in each setting except the first, which is the reference."""
    with contextlib.ExitStack() as stack:
        pipelines = {setting: stack.enter_context(Pipeline(model, setting)) for setting in settings}
        for run in runs:
            reference = pipelines[settings[0]].run(run)
            sheet.start(run.prompt, reference.image)
            for setting in settings[1:]:
                outcome = pipelines[setting].run(run)
                prompt = {"prompt": run.prompt}
                whole.add(str(setting), prompt | compared(reference, outcome))
                alone.add(str(setting), prompt | compared(reference, pipelines[setting].run(run, given=reference)))
                sheet.add(str(setting), outcome.image)
