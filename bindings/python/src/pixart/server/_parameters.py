"""The texts that describe images to Stable Diffusion front ends."""

from __future__ import annotations

import json
from typing import Any

from .._version import __version__
from ._jobs import Job, Order


def info(job: Job, model: str, sampler: str, stamp: str) -> str:
    """The field `info` of a reply: JSON, as text, as front ends read it."""
    order = job.order
    count, options = len(job.pictures), order.options
    seeds = list(order.seeds[:count])
    fields: dict[str, Any] = {
        "prompt": order.written or order.prompt,
        "all_prompts": [order.written or order.prompt] * count,
        "negative_prompt": order.negative_prompt,
        "all_negative_prompts": [order.negative_prompt] * count,
        "seed": order.seeds[0],
        "all_seeds": seeds,
        "subseed": order.seeds[0],
        "all_subseeds": seeds,
        "subseed_strength": 0,
        "width": options["width"],
        "height": options["height"],
        "sampler_name": sampler,
        "cfg_scale": options["guidance_scale"],
        "steps": options["num_inference_steps"],
        "batch_size": count,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": model,
        "sd_model_hash": "",
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": options.get("strength"),
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": list(order.texts[:count]),
        "styles": [],
        "job_timestamp": stamp,
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"pixart {__version__}",
    }
    return json.dumps(fields)


def infotext(order: Order, seed: int, model: str, sampler: str) -> str:
    """The settings of an image in one text: the prompt, then the negative prompt, then the rest."""
    options = order.options
    parts = {
        "Steps": options["num_inference_steps"],
        "Sampler": sampler,
        "CFG scale": options["guidance_scale"],
        "Seed": seed,
        "Size": f"{options['width']}x{options['height']}",
        "Model": model,
    }
    if "strength" in options:
        parts["Denoising strength"] = options["strength"]
    parts["Version"] = f"pixart {__version__}"
    lines = [order.written or order.prompt]
    if order.negative_prompt:
        lines.append(f"Negative prompt: {order.negative_prompt}")
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in parts.items())])
