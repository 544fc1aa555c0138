"""The reference: diffusers' PixArtAlphaPipeline on the CPU in float32."""

from __future__ import annotations

import functools
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import sentencepiece
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, PixArtAlphaPipeline, PixArtTransformer2DModel
from diffusers.utils import logging as diffusers_logging
from transformers import T5EncoderModel
from transformers.utils import logging as transformers_logging

from .cases import Run

END = 1
"""The id of T5's </s>."""


@dataclass(frozen=True)
class Result:
    """What a run of the pipeline left behind."""

    noise: np.ndarray
    latents: list[np.ndarray]
    """After each step, [B, C, Y, X]."""
    pixels: np.ndarray
    """float32 [B, H, W, 3] in 0 ... 1."""


def quiet() -> None:
    """Silences warnings of the reference that concern nobody here."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


class Reference:
    """A checkpoint as diffusers runs it, whatever type its weights are stored in."""

    def __init__(self, folder: pathlib.Path, variant: str | None = None) -> None:
        self.tokenizer = tokenizer_of(folder)
        self.pipeline = PixArtAlphaPipeline(
            tokenizer=None,
            text_encoder=load(T5EncoderModel, folder / "text_encoder", variant),
            vae=load(AutoencoderKL, folder / "vae", variant),
            transformer=load(PixArtTransformer2DModel, folder / "transformer", variant),
            scheduler=DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler"),
        )
        self.pipeline.set_progress_bar_config(disable=True)

    def tokens(self, prompt: str, run: Run) -> list[int]:
        """Token ids the way of the "slow" T5 tokenizer, which the published pictures were made with."""
        text = self.pipeline._text_preprocessing(prompt, clean_caption=run.clean_caption)[0]
        return self.tokenizer.encode(text)[: run.max_sequence_length - 1] + [END]

    def embed(self, tokens: list[int], length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """prompt_embeds [1, L, E] and their mask [1, L] in the padded form."""
        ids, mask = torch.zeros(1, length, dtype=torch.long), torch.zeros(1, length, dtype=torch.long)
        ids[0, : len(tokens)] = torch.tensor(tokens)
        mask[0, : len(tokens)] = 1
        with torch.no_grad():
            return self.pipeline.text_encoder(ids, attention_mask=mask)[0], mask

    def run(self, run: Run) -> Result:
        """The whole pipeline, its latents recorded after every step."""
        scheduler = self.pipeline.scheduler
        states: list[np.ndarray] = []
        inputs = self.embeddings(run)
        generator = [seeded(seed) for seed in run.seed] if isinstance(run.seed, tuple) else seeded(run.seed)
        original = scheduler.step

        @functools.wraps(original)
        def step(output: torch.Tensor, timestep: Any, sample: torch.Tensor, **options: Any) -> tuple[torch.Tensor, ...]:
            if not states:
                states.append(sample.numpy().copy())
            after = original(output, timestep, sample, **options)[0]
            states.append(after.numpy().copy())
            return after, after  # at one step the pipeline takes the second, which this scheduler has not

        scheduler.step = step
        try:
            images = self.pipeline(
                negative_prompt=None,
                num_inference_steps=run.steps,
                guidance_scale=run.guidance,
                num_images_per_prompt=run.images,
                height=run.height,
                width=run.width,
                generator=generator,
                output_type="np",
                use_resolution_binning=run.binning,
                **inputs,
            ).images
        finally:
            scheduler.step = original
        return Result(noise=states[0], latents=states[1:], pixels=images)

    def embeddings(self, run: Run) -> dict[str, torch.Tensor]:
        prompt, mask = self.embed(self.tokens(run.prompt, run), run.max_sequence_length)
        inputs = {"prompt_embeds": prompt, "prompt_attention_mask": mask}
        if run.guidance > 1:
            negative, mask = self.embed(self.tokens(run.negative, run), run.max_sequence_length)
            inputs |= {"negative_prompt_embeds": negative, "negative_prompt_attention_mask": mask}
        return inputs


def seeded(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def tokenizer_of(folder: pathlib.Path) -> sentencepiece.SentencePieceProcessor:
    """The "slow" T5 tokenizer; it adds no </s>."""
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer" / "spiece.model"))


def load(kind: Any, folder: pathlib.Path, variant: str | None = None) -> Any:
    """A part in float32."""
    return kind.from_pretrained(folder, torch_dtype=torch.float32, variant=variant).eval()
