"""One forward pass of the transformer, in libpixart and in diffusers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, PixArtTransformer2DModel

import pixart


def predicted_by_library(
    denoiser: pixart.Denoiser, prompt: np.ndarray, scheduler: DPMSolverMultistepScheduler, options: dict[str, Any]
) -> tuple[np.ndarray, int, np.ndarray]:
    """Noise, timestep, and the noise that the transformer predicts in it.

    A run of one step ends at x0 = (noise - sigma * predicted) / alpha, which is solved for the prediction. At the first
    timestep alpha is near 0, so that x0 holds the prediction at full size and nothing hides behind the noise.
    """
    sampler = denoiser.sampler(prompt, **{**options, "num_inference_steps": 1, "guidance_scale": 1.0})
    noise, timestep = sampler.latents, int(sampler.timesteps[0])
    clean = sampler.run().astype(np.float64)
    alpha = float(scheduler.alphas_cumprod[timestep]) ** 0.5
    sigma = (1 - alpha**2) ** 0.5
    return noise, timestep, (noise - alpha * clean) / sigma


def predicted_by_reference(
    transformer: PixArtTransformer2DModel, noise: np.ndarray, timestep: int, prompt: np.ndarray, factor: int = 8
) -> np.ndarray:
    """What diffusers' transformer predicts for `noise` [B, C, Y, X], learned sigma dropped; `factor` is the VAE's."""
    batch, channels, rows, columns = noise.shape
    text = torch.from_numpy(np.array(prompt))[None].expand(batch, -1, -1)
    conditions: dict[str, Any] = {"resolution": None, "aspect_ratio": None}
    if transformer.config.sample_size == 128:
        resolution = torch.tensor([[rows * factor, columns * factor]], dtype=torch.float32)
        conditions["resolution"] = resolution.repeat(batch, 1)
        conditions["aspect_ratio"] = torch.tensor([[rows / columns]]).repeat(batch, 1)
    with torch.no_grad():
        output = transformer(
            torch.from_numpy(np.array(noise)),
            encoder_hidden_states=text,
            encoder_attention_mask=torch.ones(text.shape[:2]),
            timestep=torch.full((batch,), timestep),
            added_cond_kwargs=conditions,
        ).sample
    return output[:, :channels].numpy()
