"""Runs that no PixArt pipeline of diffusers has, written with diffusers' parts: guidance in part of the run, steps that
compute the prompt's prediction only, and image-to-image with or without a mask."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline
from diffusers.guiders import ClassifierFreeGuidance
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from .diffusers_side import Reference, Result, generators
from .run import Run
from .step_cache import StepCache, cached

CPU = torch.device("cpu")
FACTOR = 8
"""Pixels along one side of a latent."""


def picture_of(run: Run, shape: tuple[int, ...]) -> torch.Tensor:
    """Latents of the image that a run starts from, [1, C, Y, X]."""
    return torch.randn(1, *shape[1:], generator=torch.Generator().manual_seed(100 + run.steps))


def mask_of(shape: tuple[int, ...]) -> np.ndarray:
    """A mask: a slanted part of the image in several shades, uint8 [H, W]; some edges lie inside latents."""
    rows, columns = np.mgrid[: FACTOR * shape[2], : FACTOR * shape[3]]
    return ((rows * 5 + columns * 3) % 256).astype(np.uint8)


def run_loop(reference: Reference, run: Run) -> Result:
    """A run of latents in the checkpoint's own size, or in that of the run."""
    config, scheduler = reference.pipeline.transformer.config, reference.scheduler_of(run)
    side = FACTOR * config.sample_size
    height, width = run.height or side, run.width or side
    batch = len(run.prompts) * run.images
    shape = (batch, config.in_channels, height // FACTOR, width // FACTOR)
    generator = generators(run)
    scheduler.set_timesteps(run.steps)
    timesteps, start = scheduler.timesteps, None
    if run.strength is None:
        latents = noise = torch_noise(shape, generator)
        latents = latents * scheduler.init_noise_sigma
    else:
        timesteps, latents, noise, start = begin(run, shape, scheduler, generator)
    mask = latent_mask(run, shape)
    states = [latents.numpy().copy()]
    skipped = len(scheduler.timesteps) - len(timesteps)
    with cached(reference.pipeline.transformer, run.cache, len(timesteps), skipped) as cache:
        predict = predictor(reference, run, len(timesteps), cache)
        for index, timestep in enumerate(timesteps):
            output = predict(scheduler.scale_model_input(latents, timestep), timestep, index)
            latents = scheduler.step(output, timestep, latents, **extras(scheduler, generator), return_dict=False)[0]
            if mask is not None:
                proper = start
                if index < len(timesteps) - 1:
                    proper = scheduler.add_noise(proper, noise, torch.tensor([timesteps[index + 1]]))
                latents = (1 - mask) * proper + mask * latents
            states.append(latents.numpy().copy())
    return Result(noise=states[0], latents=states[1:], pixels=reference.pixels(latents))


def torch_noise(shape: tuple[int, ...], generator: Any) -> torch.Tensor:
    from diffusers.utils.torch_utils import randn_tensor

    return randn_tensor(shape, generator=generator, device=CPU, dtype=torch.float32)


def begin(run: Run, shape: tuple[int, ...], scheduler: Any, generator: Any) -> tuple[Any, ...]:
    """Timesteps, the latents of the first one, their noise, and the image's latents, as the pipelines compute them."""
    pipeline = SimpleNamespace(scheduler=scheduler, vae_scale_factor=FACTOR)
    kind = StableDiffusionInpaintPipeline if run.mask else StableDiffusionImg2ImgPipeline
    timesteps, _ = kind.get_timesteps(pipeline, run.steps, run.strength, CPU)
    first = timesteps[:1].repeat(shape[0])
    image = picture_of(run, shape)
    if not run.mask:
        image = image.repeat(shape[0], 1, 1, 1)
        latents = kind.prepare_latents(pipeline, image, first, shape[0], 1, torch.float32, CPU, generator)
        return timesteps, latents, None, image
    latents, noise, image = kind.prepare_latents(
        pipeline,
        *(shape[0], shape[1], FACTOR * shape[2], FACTOR * shape[3], torch.float32, CPU, generator),
        image=image,
        timestep=first,
        is_strength_max=run.strength == 1.0,
        return_noise=True,
        return_image_latents=True,
    )
    return timesteps, latents, noise, image


def latent_mask(run: Run, shape: tuple[int, ...]) -> torch.Tensor | None:
    """1 where a latent is regenerated, [B, 1, Y, X]."""
    if not run.mask:
        return None
    height, width = FACTOR * shape[2], FACTOR * shape[3]
    processor = VaeImageProcessor(
        vae_scale_factor=FACTOR, do_normalize=False, do_binarize=True, do_convert_grayscale=True
    )
    mask = processor.preprocess(Image.fromarray(mask_of(shape)), height=height, width=width)
    pipeline = SimpleNamespace(vae_scale_factor=FACTOR)
    return StableDiffusionInpaintPipeline.prepare_mask_latents(
        pipeline,
        *(mask, torch.zeros(1, 4, *shape[2:]), shape[0], height, width, torch.float32, CPU, None, False),
    )[0]


def predictor(reference: Reference, run: Run, steps: int, cache: StepCache | None) -> Any:
    """A function from latents, timestep and step to the transformer's prediction, with guidance as in diffusers'
    guider."""
    transformer = reference.pipeline.transformer
    start, stop = run.guidance_interval or (0.0, 1.0)
    if cache:
        # The guider rounds the product with the number of steps down.
        start = max(start, (cache.guidance_start + 0.5) / steps)
    guider = ClassifierFreeGuidance(guidance_scale=run.guidance, start=start, stop=stop, enabled=run.guidance > 1)
    inputs = reference.embeddings(run)

    def predicted(latents: torch.Tensor, timestep: torch.Tensor, kind: str) -> torch.Tensor:
        if cache:
            cache.role = kind
        return transformer(
            latents,
            encoder_hidden_states=inputs[f"{kind}_embeds"].repeat_interleave(run.images, 0),
            encoder_attention_mask=inputs[f"{kind}_attention_mask"].repeat_interleave(run.images, 0),
            timestep=timestep.expand(len(latents)),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        ).sample[:, : latents.shape[1]]

    def predict(latents: torch.Tensor, timestep: torch.Tensor, step: int) -> torch.Tensor:
        guider.set_state(step, steps, timestep)
        if cache:
            cache.begin(*("prompt", "negative_prompt")[: guider.num_conditions])
        with torch.no_grad():
            prompt = predicted(latents, timestep, "prompt")
            negative = predicted(latents, timestep, "negative_prompt") if guider.num_conditions == 2 else None
            return guider.forward(prompt, negative).pred

    return predict


def extras(scheduler: Any, generator: Any) -> dict[str, Any]:
    """The further arguments that the pipelines pass to `step`."""
    accepted = inspect.signature(scheduler.step).parameters
    return {key: value for key, value in (("generator", generator), ("eta", 0.0)) if key in accepted}
