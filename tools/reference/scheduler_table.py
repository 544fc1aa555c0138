"""Runs of one case in the library and in the reference's pipeline, as cells of a table."""

from __future__ import annotations

import functools
import pathlib
from typing import Any, NamedTuple

import numpy as np
import torch

from .diffusers_side import Reference
from .measures import relative_error
from .scheduler_runs import RoundedFunctions, make, nudged, nudges, seed_noise, vanishes
from .schedulers import BOUND, Case, absent, bound

SEED = 7


class Pipeline:
    """The reference with one prompt, and a scheduler for each case."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.pipeline = Reference(folder).pipeline
        self.settings = dict(self.pipeline.scheduler.config)
        width = self.pipeline.transformer.config.caption_channels
        self.prompt = np.random.default_rng(0).standard_normal((5, width)).astype(np.float32)
        self.scheduler: Any = None
        self.output: Any = None
        self.pipeline.transformer.register_forward_hook(self.remember)
        self.prepare = self.pipeline.prepare_latents

    def remember(self, module: Any, inputs: Any, output: Any) -> None:
        self.output = output[0]

    def states(self, case: Case, steps: int, moved: torch.Generator | None = None) -> list[np.ndarray]:
        """Latents after each step. A run of one step is treated as any other. `moved` changes last bits."""
        self.scheduler = scheduler = make(case, self.settings)
        if moved and hasattr(scheduler, "alphas_cumprod"):
            scheduler.alphas_cumprod = nudged(scheduler.alphas_cumprod, moved)
        generator = torch.Generator().manual_seed(SEED)
        states: list[np.ndarray] = []
        original = scheduler.step

        def prepare(*arguments: Any, **options: Any) -> torch.Tensor:
            latents = self.prepare(*arguments, **options)
            seed_noise(scheduler, generator)
            return nudged(latents, moved) if moved else latents

        @functools.wraps(original)
        def step(output: Any, timestep: Any, sample: Any, **options: Any) -> tuple[Any, Any]:
            if case.fields.get("variance_type") == "learned_range":
                # With the half that the pipeline drops.
                output = self.output
            after = original(output, timestep, sample, **options)[0]
            states.append(after.numpy().copy())
            return after, after

        scheduler.step = step
        self.pipeline.scheduler = scheduler
        self.pipeline.prepare_latents = prepare
        embeds = torch.from_numpy(self.prompt)[None]
        self.pipeline(
            prompt_embeds=embeds,
            prompt_attention_mask=torch.ones(embeds.shape[:2]),
            negative_prompt=None,
            guidance_scale=1.0,
            num_inference_steps=steps,
            num_images_per_prompt=2,
            generator=generator,
            output_type="latent",
            use_resolution_binning=False,
            **case.options(steps),
        )
        return states

    def sensitivity(self, case: Case, steps: int, states: list[np.ndarray]) -> float:
        """How far the reference's own result moves with the last bits of its inputs."""
        moved = [self.states(case, steps, generator) for generator in nudges()]
        return max((worst(other, states) for other in moved if finite(other)), default=0.0)


def library_states(denoiser: Any, case: Case, steps: int, prompt: np.ndarray) -> list[np.ndarray]:
    options = {"scheduler": {"_class_name": case.name, **case.fields}, "result": "sample", **case.options(steps)}
    with denoiser.sampler(
        prompt, guidance_scale=1.0, num_inference_steps=steps, num_images_per_prompt=2, seed=SEED, **options
    ) as sampler:
        return list(sampler)


def finite(states: list[np.ndarray]) -> bool:
    return all(np.isfinite(state).all() for state in states)


def worst(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    return max(map(relative_error, ours, theirs))


class Cell(NamedTuple):
    """A run: the text of its cell, True if the error is within the bound, and a note for the row."""

    text: str
    good: bool = True
    note: str = ""


def cell(denoiser: Any, reference: Pipeline, case: Case, steps: int) -> Cell:
    ours = library_states(denoiser, case, steps, reference.prompt)
    if not finite(ours):
        return Cell("**not a number**", False)
    reason = absent(case, steps)
    theirs = [] if reason else reference.states(case, steps)
    if not finite(theirs):
        if not vanishes(reference.scheduler):
            return Cell("**the reference is not a number**", False)
        reason = "b"
    if reason:
        return Cell("-", note=f"{reason} ({steps})")
    if len(ours) != len(theirs):
        return Cell(f"**{len(ours)} steps, not {len(theirs)}**", False)
    error = worst(ours, theirs)
    if error <= BOUND:
        return Cell(f"{error:.1e}")
    with RoundedFunctions():
        rounded = worst(ours, reference.states(case, steps))
    if rounded <= BOUND:
        return Cell(f"{error:.1e}", note=f"roots {rounded:.0e} ({steps})")
    own = reference.sensitivity(case, steps, theirs)
    note = f"own {own:.0e} ({steps})"
    return Cell(f"{error:.1e}", note=note) if error <= bound(own) else Cell(f"**{error:.1e}**", False, note)
