"""The reference: diffusers' pipelines for PixArt on the CPU in float32."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import diffusers
import numpy as np
import sentencepiece
import torch
from diffusers import AutoencoderKL, PixArtSigmaPAGPipeline, PixArtTransformer2DModel
from diffusers.utils import logging as diffusers_logging
from transformers import T5EncoderModel
from transformers.utils import logging as transformers_logging

from .run import Run
from .step_cache import cached, one_call_each

END = 1
"""The id of T5's </s>."""


@dataclass(frozen=True)
class Result:
    """The results of a run of the pipeline."""

    noise: np.ndarray
    latents: list[np.ndarray]
    """After each step, [B, C, Y, X]."""
    pixels: np.ndarray
    """float32 [B, H, W, 3] in 0 ... 1."""


def quiet() -> None:
    """Silences irrelevant warnings of the reference."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


class Reference:
    """A checkpoint as diffusers runs it, whatever type its weights are stored in."""

    def __init__(self, folder: pathlib.Path, variant: str | None = None) -> None:
        index = json.loads((folder / "model_index.json").read_text())
        self.tokenizer = tokenizer_of(folder)
        scheduler = folder / "scheduler" / "scheduler_config.json"
        kind = getattr(diffusers, json.loads(scheduler.read_text())["_class_name"])
        self.parts = {
            "tokenizer": None,
            "text_encoder": load(T5EncoderModel, folder / "text_encoder", variant),
            "vae": load(AutoencoderKL, folder / "vae", variant),
            "transformer": load(PixArtTransformer2DModel, folder / "transformer", variant),
        }
        self.pipeline = getattr(diffusers, index["_class_name"])(
            scheduler=kind.from_pretrained(folder / "scheduler"), **self.parts
        )
        self.pipeline.set_progress_bar_config(disable=True)
        self.is_sigma = index["_class_name"] == "PixArtSigmaPipeline"

    def length(self, run: Run) -> int:
        """The maximum number of tokens of a prompt."""
        return run.max_sequence_length or (300 if self.is_sigma else 120)

    def tokens(self, prompt: str, run: Run) -> list[int]:
        """Token ids of the "slow" T5 tokenizer, which the published models were trained with."""
        text = self.pipeline._text_preprocessing(prompt, clean_caption=run.clean_caption)[0]
        return self.tokenizer.encode(text)[: self.length(run) - 1] + [END]

    def embed(self, tokens: list[int], length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """prompt_embeds [1, L, E] and their mask [1, L] in the padded form."""
        ids, mask = torch.zeros(1, length, dtype=torch.long), torch.zeros(1, length, dtype=torch.long)
        ids[0, : len(tokens)] = torch.tensor(tokens)
        mask[0, : len(tokens)] = 1
        with torch.no_grad():
            return self.pipeline.text_encoder(ids, attention_mask=mask)[0], mask

    def run(self, run: Run) -> Result:
        """Runs the whole pipeline and records its latents after every step."""
        states: list[np.ndarray] = []
        pipeline = self.pipeline_of(run)
        further: dict[str, Any] = {"timesteps": list(run.timesteps)} if run.timesteps else {}
        if run.pag_scale:
            further |= {"pag_scale": run.pag_scale, "pag_adaptive_scale": run.pag_adaptive_scale}
        steps = calls(pipeline.scheduler, run)
        with (
            recorded(pipeline.scheduler, states, takes_original=not self.is_sigma and not run.pag_scale),
            cached(pipeline.transformer, run.cache, steps) as state,
            one_call_each(pipeline.transformer, state),
        ):
            images = pipeline(
                negative_prompt=None,
                num_inference_steps=run.steps,
                guidance_scale=run.guidance,
                num_images_per_prompt=run.images,
                height=run.height,
                width=run.width,
                generator=generators(run),
                output_type="np",
                use_resolution_binning=run.binning,
                **self.embeddings(run),
                **further,
            ).images
        return Result(noise=states[0], latents=states[1:], pixels=images)

    def pipeline_of(self, run: Run) -> Any:
        """The checkpoint's pipeline, or that of perturbed-attention guidance, with the scheduler of the run."""
        scheduler = self.scheduler_of(run)
        if not run.pag_scale:
            pipeline = type(self.pipeline)(scheduler=scheduler, **self.parts)
            pipeline.set_progress_bar_config(disable=True)
            return pipeline
        layers = [rf"blocks\.{layer}\." for layer in run.pag_applied_layers] if run.pag_applied_layers else "blocks.1"
        pipeline = PixArtSigmaPAGPipeline(scheduler=scheduler, pag_applied_layers=layers, **self.parts)
        pipeline.set_progress_bar_config(disable=True)
        # The pipeline passes a timestep for each item, which its own comparison with 0 does not accept.
        scale = pipeline._get_pag_scale
        pipeline._get_pag_scale = lambda timesteps: scale(timesteps[0])
        return pipeline

    def scheduler_of(self, run: Run) -> Any:
        own = self.pipeline.scheduler
        return getattr(diffusers, run.scheduler).from_config(own.config) if run.scheduler else own

    def embeddings(self, run: Run) -> dict[str, torch.Tensor]:
        """One row for each prompt, as the pipelines take them."""

        def embed(prompts: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
            rows = [self.embed(self.tokens(prompt, run), self.length(run)) for prompt in prompts]
            return torch.cat([row[0] for row in rows]), torch.cat([row[1] for row in rows])

        prompt, mask = embed(run.prompts)
        inputs = {"prompt_embeds": prompt, "prompt_attention_mask": mask}
        if run.guidance > 1:
            negative, mask = embed(run.negatives)
            inputs |= {"negative_prompt_embeds": negative, "negative_prompt_attention_mask": mask}
        return inputs

    def pixels(self, latents: torch.Tensor) -> np.ndarray:
        """Decoded latents, float32 [B, H, W, 3] in 0 ... 1."""
        vae = self.pipeline.vae
        with torch.no_grad():
            images = vae.decode(latents / vae.config.scaling_factor).sample
        return (images / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()


def calls(scheduler: Any, run: Run) -> int:
    """How often a run calls the transformer. Schedulers of second order do so twice for most steps."""
    if run.timesteps:
        return len(run.timesteps)
    scheduler.set_timesteps(run.steps)
    return len(scheduler.timesteps)


@contextlib.contextmanager
def recorded(scheduler: Any, states: list[np.ndarray], takes_original: bool) -> Iterator[None]:
    """Records the latents before the first step and after each one, while this lasts.

    A pipeline that `takes_original` goes on with the second result of a run's only step.
    """
    original = scheduler.step

    @functools.wraps(original)
    def step(output: torch.Tensor, timestep: Any, sample: torch.Tensor, **options: Any) -> tuple[torch.Tensor, ...]:
        if not states:
            states.append(sample.numpy().copy())
        results = original(output, timestep, sample, **options)
        single = takes_original and len(scheduler.timesteps) == 1 and len(results) > 1
        after = results[1] if single else results[0]
        states.append(after.numpy().copy())
        return after, after  # some schedulers have no second one

    scheduler.step = step
    try:
        yield
    finally:
        scheduler.step = original


def generators(run: Run) -> torch.Generator | list[torch.Generator]:
    return [seeded(seed) for seed in run.seed] if isinstance(run.seed, tuple) else seeded(run.seed)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def tokenizer_of(folder: pathlib.Path) -> sentencepiece.SentencePieceProcessor:
    """The "slow" T5 tokenizer; it adds no </s>."""
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer" / "spiece.model"))


def load(kind: Any, folder: pathlib.Path, variant: str | None = None) -> Any:
    """A part in float32."""
    return kind.from_pretrained(folder, torch_dtype=torch.float32, variant=variant).eval()
